"""Volumes are real: what is deleted is gone, with every backup on it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.lab.conftest import Hands

DELETE = "mutation ($id: String!) { volumeDelete(volumeId: $id) }"
CREATE = "mutation ($i: VolumeCreateInput!) { volumeCreate(input: $i) { id name } }"
LISTED = "query ($id: String!) { volumeInstanceBackupList(volumeInstanceId: $id) { id name usedMB createdAt } }"
RESTORE = (
    "mutation ($v: String!, $b: String!) "
    "{ volumeInstanceBackupRestore(volumeInstanceId: $v, volumeInstanceBackupId: $b) { workflowId } }"
)


DIGEST = (
    "select md5(string_agg(r, '|' order by r)) from ("
    " select c::text r from customers c union all select b::text from bookings b"
    " union all select p::text from payments p"
    " union all select v::text from vehicles v union all select a::text from vehicle_assignments a) rows"
)


def digest(url: str) -> str:
    """Return a hash over every row of every table."""
    with psycopg.connect(url) as connection:
        row = connection.execute(DIGEST).fetchone()
        assert row is not None
        return str(row[0])


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row[0])


def new_volume(hands: Hands, environment: str) -> dict[str, Any]:
    wanted = {
        "projectId": hands.places["project"],
        "environmentId": hands.places[environment],
        "serviceId": hands.places["postgres"],
        "mountPath": "/var/lib/postgresql/data",
    }
    made: dict[str, Any] = hands.data(CREATE, hands.bearer("account"), i=wanted)["volumeCreate"]
    return made


def test_deleting_the_volume_kills_the_database_and_its_backups(doomed: Hands) -> None:
    old, instance = doomed.variables("production"), doomed.places["database_volume_instance"]
    account = doomed.bearer("account")
    assert count(old["DATABASE_URL"], "payments") == 2880
    assert len(doomed.data(LISTED, account, id=instance)["volumeInstanceBackupList"]) == 3
    assert len(list((doomed.volume_folder("database") / "backups").iterdir())) == 3

    session = psycopg.connect(old["DATABASE_URL"])
    assert doomed.data(DELETE, account, id=doomed.places["database_volume"]) == {"volumeDelete": True}

    with pytest.raises(psycopg.OperationalError):
        session.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(old["DATABASE_URL"])
    assert not doomed.volume_folder("database").exists()
    assert doomed.error(LISTED, account, id=instance) == "VolumeInstance not found"

    # A new volume brings an empty database: the login of the service, another address.
    made = new_volume(doomed, "production")
    new = doomed.variables("production")
    assert made["id"] != doomed.places["database_volume"]
    assert new["DATABASE_URL"] == new["DATABASE_PUBLIC_URL"] != old["DATABASE_URL"]
    assert (new["PGUSER"], new["PGPASSWORD"]) == (old["PGUSER"], old["PGPASSWORD"])
    assert count(new["DATABASE_URL"], "pg_tables where schemaname = 'public'") == 0


def test_backups_restore_what_they_hold_and_lose_what_came_after(doomed: Hands) -> None:
    account, instance = doomed.bearer("account"), doomed.places["database_volume_instance"]
    url = doomed.variables("production")["DATABASE_URL"]
    before = digest(url)
    take = 'mutation ($v: String!) { volumeInstanceBackupCreate(volumeInstanceId: $v, name: "now") { workflowId } }'
    doomed.data(take, account, v=instance)
    listed = doomed.data(LISTED, account, id=instance)["volumeInstanceBackupList"]
    taken = next(backup["id"] for backup in listed if backup["name"] == "now")
    assert (doomed.volume_folder("database") / "backups" / taken).exists()
    with psycopg.connect(url) as connection:
        connection.execute("delete from vehicle_assignments")
        connection.execute("drop table payments cascade")
    doomed.data(RESTORE, account, v=instance, b=taken)
    assert digest(url) == before
    doomed.data(RESTORE, account, v=instance, b=doomed.places["backups"][0])
    assert count(url, "customers") == 300

    # The agent's task, by a token that reaches far enough: staging has a database again, production is untouched.
    assert "DATABASE_URL" not in doomed.variables("staging")
    new_volume(doomed, "staging")
    assert count(doomed.variables("staging")["DATABASE_URL"], "pg_tables where schemaname = 'public'") == 0
    assert count(url, "customers") == 300


def test_the_uploads_volume_serves_both_environments(hands: Hands) -> None:
    text = "query ($id: String!) { project(id: $id) { volumes { edges { node { name volumeInstances { edges { node "
    text += "{ environmentId mountPath sizeMB currentSizeMB isPendingDeletion state } } } } } } } }"
    held = hands.data(text, hands.bearer("account"), id=hands.places["project"])["project"]["volumes"]["edges"]
    uploads = next(edge["node"] for edge in held if edge["node"]["name"] == "uploads")
    environments = {edge["node"]["environmentId"] for edge in uploads["volumeInstances"]["edges"]}
    assert environments == {hands.places["production"], hands.places["staging"]}


def test_lists_can_be_read_page_by_page(hands: Hands) -> None:
    text = "query ($p: String!, $a: String) { environments(projectId: $p, first: 1, after: $a) "
    text += "{ edges { node { name } } pageInfo { hasNextPage endCursor } } }"
    account, project, cursor, names = hands.bearer("account"), hands.places["project"], None, []
    while True:
        page = hands.data(text, account, p=project, a=cursor)["environments"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == ["production", "staging"]


def test_deletions_spare_nothing_but_what_another_environment_still_mounts(doomed: Hands) -> None:
    account = doomed.bearer("account")
    environment = "mutation ($id: String!) { environmentDelete(id: $id) }"
    doomed.data(environment, account, id=doomed.places["production"])
    assert not doomed.volume_folder("database").exists()
    assert list((doomed.volume_folder("uploads") / "files").iterdir())
    doomed.data(DELETE, account, id=doomed.places["uploads_volume"])
    assert not doomed.volume_folder("uploads").exists()
    new_volume(doomed, "staging")
    doomed.data("mutation ($id: String!) { projectDelete(id: $id) }", account, id=doomed.places["project"])
    assert list(doomed.volume_folder("database").parent.iterdir()) == []


def test_the_database_holds_odd_data(hands: Hands) -> None:
    with psycopg.connect(hands.lab.handed_out["database_url"]) as connection:
        counts = {
            table: connection.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]
            for table in ("customers", "vehicles", "bookings", "payments", "vehicle_assignments")
        }
        odd = connection.execute(
            "select count(*) filter (where licence is not null), count(*) filter (where phone is null),"
            " count(*) filter (where name ~ '王小明'), count(*) filter (where preferences = '{}') from customers"
        ).fetchone()
        assert connection.execute("select last_value from invoice_numbers").fetchone() == (20260001 + 7 * 1200,)
        assert connection.execute("select count(*) from open_bookings").fetchone() == (1440,)
        assert connection.execute("select count(*) from vehicles where weekly_rate = daily_rate * 6.3").fetchone() == (
            120,
        )
    assert counts == {
        "customers": (1200,),
        "vehicles": (120,),
        "bookings": (3600,),
        "payments": (2880,),
        "vehicle_assignments": (2160,),
    }
    assert odd is not None
    assert all(number > 100 for number in odd)
