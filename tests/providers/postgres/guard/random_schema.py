"""Schemas and statements drawn at random: foreign keys with every action, triggers, partitions, inheritance, identity,
tables without a key, rights that the agent lacks; transactions with savepoints; another session beside them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION", "RESTRICT", "NO ACTION DEFERRABLE INITIALLY DEFERRED")
KINDS = ("key", "key", "key", "identity", "composite", "unique", "bare", "partitioned", "inherited", "deferred")
ISOLATIONS = ("READ COMMITTED", "READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

# Side effects where the agent does not look: a counter that is updated over and over, a log, a savepoint's failure.
SIDE = """
CREATE TABLE totals (name text PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY, what text, at int DEFAULT 0);
CREATE FUNCTION total() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
  INSERT INTO totals VALUES (TG_TABLE_NAME, 1) ON CONFLICT (name) DO UPDATE SET n = totals.n + 1;
  RETURN NULL; END $$;
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
  UPDATE totals SET n = n + 1 WHERE name = 'fixed';
  RETURN NULL; END $$;
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
  BEGIN
    INSERT INTO log (what) VALUES (TG_OP || TG_TABLE_NAME);
  EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN NULL; END $$;
CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
  BEGIN
    INSERT INTO log (what) VALUES ('taken back'); UPDATE totals SET n = -1; RAISE 'no';
  EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN NULL; END $$;
INSERT INTO totals SELECT 'r' || g FROM generate_series(1, 20) g UNION ALL SELECT 'fixed';
"""


@dataclass(frozen=True)
class Drawn:
    """A table: its name, its kind, whether another refers to it."""

    name: str
    kind: str

    @property
    def single_key(self) -> bool:
        return self.kind in ("key", "identity", "unique")


def schema(random: Random) -> tuple[str, list[Drawn]]:
    script, tables = [SIDE], []
    for number in range(random.randint(2, 5)):
        table = Drawn(random.choice(("t{}", 'T "{}" % $x', "täble{}")).format(number), random.choice(KINDS))
        script += [_table(random, table), *_references(random, table, tables), *_triggers(random, table)]
        tables.append(table)
    script.append(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO agent; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agent;"
    )
    hidden = [quoted(table.name) for table in tables if random.random() < 0.2]
    hidden += [name for name in ("totals", "log") if random.random() < 0.5]
    script += [f"REVOKE ALL ON {name} FROM agent;" for name in hidden]
    return "\n".join(script), tables


def _table(random: Random, table: Drawn) -> str:
    name = quoted(table.name)
    rest = "ref int DEFAULT 1, v text, w numeric, made text GENERATED ALWAYS AS (v || '!') STORED"
    fill = "SELECT g, 1 + g % 7, CASE WHEN g % 4 = 0 THEN NULL ELSE 'v' || g % 9 END, g / 4.0"
    fill += " FROM generate_series(1, 30) g"
    insert = f"INSERT INTO {name} (id, ref, v, w) OVERRIDING SYSTEM VALUE {fill};"
    match table.kind:
        case "key":
            return f"CREATE TABLE {name} (id int PRIMARY KEY, {rest}); {insert}"
        case "deferred":
            made = f"CREATE TABLE {name} (id int, gone int, {rest}, PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED);"
            return f"{made} ALTER TABLE {name} DROP COLUMN gone; {insert}"
        case "identity":
            start = "SELECT setval(pg_get_serial_sequence({}, 'id'), 500);".format("'" + name.replace("'", "''") + "'")
            return f"CREATE TABLE {name} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {rest}); {insert} {start}"
        case "composite":
            return f"CREATE TABLE {name} (id int, {rest}, k text DEFAULT 'k' NOT NULL, PRIMARY KEY (k, id)); {insert}"
        case "unique":
            return f"CREATE TABLE {name} (id int NOT NULL UNIQUE, {rest}); {insert}"
        case "partitioned":
            parts = "".join(
                f"CREATE TABLE {quoted(f'{table.name}_{n}')} PARTITION OF {name}"
                f" FOR VALUES FROM ({n * 10}) TO ({n * 10 + 10});"
                for n in range(4)
            )
            rest = rest.replace("numeric", "numeric NOT NULL DEFAULT 1")
            other = f"CREATE TABLE {quoted(f'{table.name}_rest')} PARTITION OF {name} DEFAULT;"
            return f"CREATE TABLE {name} (id int PRIMARY KEY, {rest}) PARTITION BY RANGE (id); {parts}{other} {insert}"
        case "inherited":
            child = quoted(f"{table.name}_child")
            return (
                f"CREATE TABLE {name} (id int PRIMARY KEY, {rest});"
                f" CREATE TABLE {child} (extra int) INHERITS ({name}); {insert}"
                + insert.replace(f"INTO {name}", f"INTO {child}").replace("SELECT g,", "SELECT g + 100,")
            )
        case _:
            return f"CREATE TABLE {name} (id int, {rest}); {insert} {insert}"


def _references(random: Random, table: Drawn, earlier: list[Drawn]) -> list[str]:
    targets = [t for t in (*earlier, table) if t.single_key or t.kind == "partitioned"]
    if not targets or random.random() < 0.3:
        return []
    target, action = random.choice(targets), random.choice(ACTIONS)
    on_update = random.choice(("CASCADE", "NO ACTION", "SET NULL"))
    action, _, deferral = action.partition(" DEFERRABLE")
    deferral = f" DEFERRABLE{deferral}" if deferral else ""
    return [
        f"ALTER TABLE {quoted(table.name)} ADD FOREIGN KEY (ref) REFERENCES {quoted(target.name)} (id)"
        f" ON DELETE {action} ON UPDATE {on_update}{deferral};"
    ]


def _triggers(random: Random, table: Drawn) -> list[str]:
    script = []
    for function in ("total", "counted", "logged", "failing"):
        if random.random() < 0.2:
            script.append(
                f"CREATE TRIGGER {function} AFTER INSERT OR UPDATE OR DELETE ON {quoted(table.name)}"
                f" FOR EACH ROW EXECUTE FUNCTION {function}();"
            )
    if random.random() < 0.15:
        script.append(
            f"CREATE CONSTRAINT TRIGGER late AFTER UPDATE OR DELETE ON {quoted(table.name)}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION logged();"
        )
    return script


def statement(random: Random, tables: list[Drawn], numbers: tuple[int, int] = (1, 60)) -> str:
    """One change of rows whose ids lie between `numbers`."""
    table = random.choice(tables)
    name, low = quoted(table.name), random.randint(*numbers)
    where = f"id BETWEEN {low} AND {low + random.choice((0, 0, 3, 20))}"
    new = random.randint(max(numbers[0], 40), numbers[1] + 900)
    given = "OVERRIDING SYSTEM VALUE" if table.kind == "identity" else ""
    changes = [
        f"DELETE FROM {name} WHERE {where}",
        f"UPDATE {name} SET v = 'n{random.randint(1, 5)}' WHERE {where}",
        f"UPDATE {name} SET w = w + 1, ref = {random.choice(('NULL', '1', '2', 'ref'))} WHERE {where}",
        f"INSERT INTO {name} (id, ref, v, w) {given}"
        f" SELECT g, 1 + g % 3, 'i', 2 FROM generate_series({new}, {new + 2}) g",
        f"INSERT INTO {name} (id, ref, v, w) {given} VALUES ({low}, 1, 'again', 1)",
        f"SELECT * FROM {name} WHERE {where} FOR UPDATE",
        f"DO $$ BEGIN UPDATE {name} SET v = 'a' WHERE {where}; UPDATE {name} SET v = 'b' WHERE {where}; END $$",
        f"DO $$ BEGIN DELETE FROM {name} WHERE {where}; INSERT INTO {name} (id, ref, v, w) {given}"
        f" VALUES ({low}, 1, 'new', 7); END $$",
        f"DO $$ BEGIN BEGIN DELETE FROM {name} WHERE {where}; RAISE 'x';"
        " EXCEPTION WHEN raise_exception THEN NULL; END; END $$",
        f"DO $$ BEGIN BEGIN UPDATE {name} SET v = 's' WHERE {where}; EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
    ]
    if table.kind != "identity":
        changes += [
            f"UPDATE {name} SET id = id + 1000 WHERE {where}",
            f"UPDATE {name} SET id = {low + 7} WHERE id = {low}",
        ]
    return random.choice(changes)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
