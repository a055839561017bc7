"""The lab's PostgreSQL is a real one: passwords count, and it runs wherever its binaries lie."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.lab.conftest import Hands

from yett.lab.postgres import reachable_binaries
from yett.lab.process import choose_user


def test_a_wrong_password_is_refused_with_scram(hands: Hands) -> None:
    url = hands.lab.handed_out["database_url"]
    host = url.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:wrong@{host}")
    with psycopg.connect(url) as connection:
        stored = connection.execute("select rolpassword from pg_authid where rolname = current_user").fetchone()
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")


def test_binaries_that_another_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    closed = tmp_path / "closed" / "package" / "install"
    (closed / "bin").mkdir(parents=True)
    (closed / "bin" / "initdb").write_text("")
    tmp_path.chmod(0o700)
    uid = choose_user(None).pw_uid
    found = reachable_binaries(closed / "bin", uid, tmp_path / "spare")
    open_to_it = tmp_path.stat().st_uid == uid
    assert found == (closed / "bin" if open_to_it else tmp_path / "spare" / "package" / "install" / "bin")
    assert (found / "initdb").exists()
