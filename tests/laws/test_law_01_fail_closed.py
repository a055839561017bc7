"""Law 1. Fail closed: without policy, store or ledger, or with what cannot be read, nothing passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from law_plane import ELSEWHERE, LawPlane
from law_world import STAGING_VOLUME

from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import ConfigurationError, StoreUnavailable, YettError
from yett.policy import Policies, load_policies
from yett.policy.layers import Layer, LayerKind, default_layers


def read_and_write(laws: LawPlane) -> list[YettError]:
    """What a plain read and a plain write meet, which pass on a whole plane."""
    session = next(iter(laws.sessions.values()))
    met = []
    for attempt in (laws.get(session), laws.rename(session, STAGING_VOLUME)):
        with pytest.raises((StoreUnavailable, Refused)) as caught:
            laws.send(attempt)
        met.append(caught.value)
    return met


def test_on_a_whole_plane_they_pass(laws: LawPlane) -> None:
    session = laws.session()
    laws.send(laws.get(session))
    laws.send(laws.rename(session, STAGING_VOLUME))


def test_without_a_ledger_nothing_passes(laws: LawPlane) -> None:
    laws.session()
    laws.call(laws.plane.journal.close)
    for error in read_and_write(laws):
        assert error.what
        assert error.remedy


def test_with_a_dead_writer_nothing_passes(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    laws.session()

    def dies(*_: object) -> None:
        raise MemoryError("the writer's thread is gone")

    monkeypatch.setattr(laws.plane.journal._writer, "write", dies)
    with pytest.raises(StoreUnavailable):
        laws.do(laws.plane.journal.run(lambda tx: None))
    read_and_write(laws)


def test_with_a_store_that_turned_read_only_no_write_passes(laws: LawPlane) -> None:
    session = laws.session()
    with laws.plane.store._writer.connect() as connection:  # the one connection that the writer has
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(StoreUnavailable):
        laws.send(laws.rename(session, STAGING_VOLUME))
    with pytest.raises(StoreUnavailable):
        laws.send(laws.delete(session))


def test_with_a_store_that_cannot_be_read_no_write_passes(laws: LawPlane) -> None:
    session = laws.session()
    laws.do(laws.plane.journal.run(lambda tx: tx._connection.exec_driver_sql("ALTER TABLE holds RENAME TO gone")))
    with pytest.raises(StoreUnavailable):
        laws.send(laws.rename(session, STAGING_VOLUME))
    assert not laws.entries("intent")


def test_a_policy_answer_with_an_error_is_a_deny_and_an_alarm(laws: LawPlane) -> None:
    session = laws.session()
    overflows = Layer(
        "broken",
        LayerKind.NARROW,
        '@id("x")\nforbid (principal, action in Action::"pass", resource)'
        "\nwhen { context.limit.bytes * 9223372036854775807 > 0 };\n",
    )
    laws.plane.maps.policies = Policies([*default_layers(), overflows])
    for error in read_and_write(laws):
        assert isinstance(error, Refused)
        assert error.verdict is Verdict.DENY
        assert "could not be evaluated" in error.reason
    assert laws.entries("alarm")
    assert laws.checkpoint.state(session.id) is not None


def test_a_policy_engine_that_breaks_is_a_deny(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    laws.session()
    laws.plane.maps.policies = Policies(default_layers(), cached=False)

    def panics(*_: object, **__: object) -> object:
        raise BaseException("a Rust panic is no Exception")

    monkeypatch.setattr("yett.policy.engine.cedarpy.is_authorized", panics)
    assert all(isinstance(error, Refused) and error.verdict is Verdict.DENY for error in read_and_write(laws))


@pytest.mark.parametrize(
    "text", [b"forbid (", b"// layer: narrow\npermit (principal, action, resource);", b"\xff\xfe", b"rules: ]"]
)
@pytest.mark.parametrize("suffix", ["cedar", "yaml"])
def test_a_corrupt_policy_file_loads_nothing(tmp_path: Path, text: bytes, suffix: str) -> None:
    (tmp_path / f"mine.{suffix}").write_bytes(text)
    with pytest.raises(YettError):
        load_policies(tmp_path)


@pytest.mark.parametrize("text", ["realm = ", 'realm = "relaxed"', "nonsense = 1", '[[resolve]]\nname = "x"'])
def test_a_corrupt_config_starts_nothing(tmp_path: Path, text: str) -> None:
    from yett.daemon.settings import load_settings

    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":',
        b'{"query": "mutation { volumeDelete(volumeId: "}',
        b'{"query": "{ me { id } }", "query": "mutation { volumeDelete(volumeId: \\"x\\") }"}',
        b"\xff\xfe{}",
        b"[]",
        b'{"variables": {}}',
    ],
)
def test_an_unparsable_body_on_a_governed_route_is_refused(laws: LawPlane, body: bytes) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    reply = laws.over(port, "POST", "/graphql/v2", body, authorization=f"Bearer {token}")
    assert reply.problem["status"] == 403
    assert not laws.upstream.seen
    assert laws.entries("refusal"), "and it is written down"


def test_an_operation_that_nobody_knows_is_held(laws: LawPlane) -> None:
    session = laws.session()
    refused = laws.refused(laws.attempt(session, laws.request('mutation { volumeObliterate(id: "x") }')))
    assert refused.hold
    assert laws.entries("alarm")


def test_a_path_that_nobody_knows_on_a_governed_host_does_not_pass(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    for method, path in (("GET", "/admin"), ("POST", "/graphql/v3"), ("DELETE", "/")):
        assert laws.over(port, method, path, b"{}" * (method != "GET"), authorization=f"Bearer {token}").status == 403
    assert not laws.upstream.seen


def test_a_wire_that_fails_inside_refuses(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    session = laws.session()
    port = laws.proxy(session)

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("yett.checkpoint.pipeline.decide", broken)
    assert laws.over(port, "GET", "/", host=ELSEWHERE).problem["code"] == "internal"
    assert not laws.upstream.seen


def test_an_ended_session_and_one_that_was_never_opened_pass_nothing(laws: LawPlane) -> None:
    session = laws.session()
    laws.do(laws.checkpoint.close_session(session.id, "the command ended"))
    assert laws.refused(laws.get(session)).code == "ended"
    assert laws.refused(laws.get(replace(session, id="s-forged"))).code == "ended"
