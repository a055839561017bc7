from __future__ import annotations
import json, os, re, subprocess, time
from pathlib import Path
import psycopg, pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_going_down import SHOP
from yett.model.errors import YettError
from yett.providers.postgres.binaries import binaries

OUT = Path("/tmp/zz_out.jsonl")
CASES = json.loads(Path("/tmp/zz_cases.json").read_text())

def state(c):
    text = subprocess.run([str(binaries() / "pg_dump"), "-d", c.direct], capture_output=True, text=True, check=True).stdout
    found = []
    for block in re.split(r"\n--\n-- (?=Name:|Data for)", text):
        if block.startswith("Data for"):
            found += [block.split(";")[0].split(":")[1] + "|" + l for l in block.splitlines()[2:] if l.strip() and not l.startswith("--")]
        else:
            lines = [l for l in block.splitlines() if l.strip() and not re.match(r"--|SET |SELECT pg_catalog.set_config|.(un)?restrict ", l)]
            found.append("\n".join(lines))
    for sql in (
      "SELECT concat('ORDER ', attrelid::regclass, array_agg(attname ORDER BY attnum)) FROM pg_attribute JOIN pg_class c ON c.oid=attrelid WHERE relnamespace::regnamespace::text !~ '^pg_|information' AND relkind IN ('r','v','m','p') AND attnum>0 AND NOT attisdropped GROUP BY attrelid",
      "SELECT concat('TG ', tgrelid::regclass, regexp_replace(tgname, '[0-9]+','','g'), tgconstrrelid::regclass, tgfoid::regproc, tgenabled) FROM pg_trigger WHERE tgenabled<>'O'",
      "SELECT concat('KEY ', conrelid::regclass, conname, convalidated, conislocal, coninhcount, connoinherit) FROM pg_constraint WHERE contype<>'n' AND conrelid <> 0 AND connamespace::regnamespace::text !~ '^pg_|information'",
    ):
        found += [r[0] for r in c.truth(sql)]
    return sorted(found)

def diff(a, b):
    from collections import Counter
    x, y = Counter(a), Counter(b)
    return {"lost": [*(x - y).elements()][:12], "new": [*(y - x).elements()][:12]}

@pytest.mark.parametrize("name", list(CASES))
def test_it(company: Company, name: str) -> None:
    case = CASES[name]
    out = {"name": name, "server": company.truth("SHOW server_version")[0][0], "asked": [], "undo": []}
    began = time.time()
    try:
        if not company.truth("SELECT 1 FROM pg_roles WHERE rolname = 'Teller'"):
            company.directly('CREATE ROLE "Teller"')
        if not case.get("bare"):
            for s in SHOP: company.directly(s)
        for s in case.get("setup", []): company.directly(s)
        before = state(company)
        # run
        done = False
        for _ in range(12):
            with company.connect() as con:
                try:
                    for step in case["steps"]:
                        t = time.time()
                        con.execute(step)
                        if time.time() - t > 8: out["asked"].append(f"SLOW {time.time()-t:.0f}s {step}")
                    con.commit(); done = True
                    break
                except psycopg.errors.InsufficientPrivilege as e:
                    if "(hold" not in str(e): out["asked"].append("REFUSED " + str(e)); break
                    con.rollback()
                    hold = company.hold_of(e)
                    out["asked"].append([ [s["undo"]["possible"], s["undo"]["gaps"]] for s in hold.document["situations"] if s.get("undo")])
                    company.approve(hold)
                except psycopg.Error as e:
                    out["asked"].append(f"ERROR at {step} {e.sqlstate} {str(e)[:400]} after {time.time()-t:.0f}s"); break
        out["committed"] = done
        if done:
            for s in case.get("after", []): company.directly(s)
            mid = state(company) if case.get("after") else None
            recs = company.laws.plane.undos.records()
            out["records"] = [[r.how, list(r.gaps), str(r.facts.get("words"))[:200], [t[2] for t in (r.facts.get("dump") or {}).get("tables", [])] if isinstance(r.facts.get("dump"), dict) else None] for r in recs]
            left = sorted(range(len(recs)), reverse=case.get("newest", True))
            for _ in range(4):
                still = []
                for n in left:
                    try: out["undo"].append([n, "OK " + company.undo(n)])
                    except YettError as e: out["undo"].append([n, f"NO {e} // {e.remedy}"]); still.append(n)
                    except Exception as e: out["undo"].append([n, f"EXC {type(e).__name__} {e}"]); still.append(n)
                if not still or len(still) == len(left): left = still; break
                left = still
            out["left"] = left
            out["diff"] = diff(before, state(company))
            if mid: out["later_work"] = case["after"]
    except BaseException as e:
        out["crash"] = f"{type(e).__name__} {str(e)[:600]}"
    out["seconds"] = round(time.time() - began, 1)
    with OUT.open("a") as f: f.write(json.dumps(out, default=str) + "\n")
