"""Laws 3 and 4 as the gateway meets them: `Broker.examine` and `Broker.inject`."""

from __future__ import annotations

import base64
import json

import pytest
from broker_scene import CLOUD, LOGIN, MODEL, TOKEN, Clock, request, session_of

from yett.broker.broker import Broker
from yett.broker.vault import Vault
from yett.model.credential import Lease
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.providers.book import ProviderBook

SESSION = session_of()
ELSEWHERE = "paste.test"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Gate:
    """The broker, asked as the gateway asks it."""

    def __init__(self, broker: Broker, book: ProviderBook) -> None:
        self.broker, self.book = broker, book
        self.lease = broker.lease(SESSION, "cloud-token")
        self.placeholder = self.lease.placeholder

    def __call__(self, sent: HttpRequest, session: Session = SESSION) -> Lease | None:
        return self.broker.examine(session, sent, self.book.room(sent.host))

    def refuses(self, sent: HttpRequest, session: Session = SESSION) -> CredentialRefused:
        with pytest.raises(CredentialRefused) as refused:
            self(sent, session)
        assert TOKEN not in refused.value.diagnostics()
        assert refused.value.remedy
        return refused.value


@pytest.fixture
def gate(broker: Broker, book: ProviderBook) -> Gate:
    return Gate(broker, book)


# -- what passes


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "token ", "TOKEN ", "Bearer  ", ""])
def test_the_placeholder_passes_and_becomes_the_secret_with_any_scheme(gate: Gate, scheme: str) -> None:
    sent = request(authorization=scheme + gate.placeholder, accept="*/*")
    lease = gate(sent)
    assert lease == gate.lease
    leaving = gate.broker.inject(sent, lease)
    assert leaving.headers == (("authorization", scheme + TOKEN), ("accept", "*/*"))


@pytest.mark.parametrize(
    ("user", "password"), [("x-access-token", None), ("", None), (None, ""), (None, "x-oauth-basic")]
)
def test_basic_credentials_pass_where_the_room_takes_them(gate: Gate, user: str | None, password: str | None) -> None:
    def sent_as(token: str) -> str:
        return basic(token if user is None else user, token if password is None else password)

    sent = request(authorization=sent_as(gate.placeholder))
    lease = gate(sent)
    assert lease is not None
    assert gate.broker.inject(sent, lease).headers == (("authorization", sent_as(TOKEN)),)


def test_a_request_without_a_credential_passes(gate: Gate) -> None:
    assert gate(request()) is None
    assert gate(request(authorization="")) is None
    assert gate(request(host=ELSEWHERE, authorization="Bearer their-own-key", cookie="a=b")) is None


def test_a_placeholder_in_free_text_is_dead_text(gate: Gate) -> None:
    """Law 4: it travels, and is never replaced."""
    body = json.dumps({"note": gate.placeholder}).encode()
    sent = request(path=f"/{gate.placeholder}", x_note=gate.placeholder, body=body)
    assert gate(sent) is None
    with_key = request(x_note=gate.placeholder, authorization=f"Bearer {gate.placeholder}", body=body)
    lease = gate(with_key)
    assert lease is not None
    leaving = gate.broker.inject(with_key, lease)
    assert leaving.header("x-note") == gate.placeholder
    assert leaving.body == body
    assert gate(request(host=ELSEWHERE, x_note=gate.placeholder, body=body)) is None


def test_another_position_of_the_room_takes_a_secret_that_is_kept_for_it(gate: Gate, vault: Vault) -> None:
    vault.put("project", "cloud", "project-token", "p" * 30, "deploy", "ada", position="header:project-key")
    lease = gate.broker.lease(SESSION, "project")
    sent = request(project_key=lease.placeholder)
    assert gate(sent) == lease
    assert gate.broker.inject(sent, lease).header("project-key") == "p" * 30
    assert "header:project-key" in gate.refuses(request(authorization=f"Bearer {lease.placeholder}")).remedy


# -- raw credentials


def test_raw_railway_like_token_is_refused_and_alarmed(gate: Gate, vault: Vault) -> None:
    refused = gate.refuses(request(authorization=f"Bearer {TOKEN}"))
    assert refused.fingerprint == vault.kept("cloud-token").fingerprint
    assert refused.position == "header:authorization"


def test_a_value_that_the_inventory_found_is_refused_at_every_host(gate: Gate) -> None:
    found = "f00dfeed-1111-2222-3333-444455556666"
    assert gate(request(host=ELSEWHERE, query=f"q={found}")) is None
    gate.broker.known({"fp-found": found.encode()})
    for sent in (request(host=ELSEWHERE, query=f"q={found}"), request(path=f"/{found}"), request(body=found.encode())):
        assert gate.refuses(sent).fingerprint == "fp-found"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer never-seen-before-key"},
        {"authorization": "never-seen"},
        {"authorization": 'Digest username="ada", response="6629fae4"'},
        {"authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu/s3/aws4_request, Signature=00"},
        {"authorization": "Basic not-base64!"},
        {"proxy_authorization": "Bearer k"},
        {"x_api_key": "k"},
        {"private_token": "k"},
        {"project_key": "k"},
        {"cookie": "login=abc"},
        {"sec_websocket_protocol": "chat, base64url.bearer.authorization.k8s.io.abc"},
    ],
)
def test_anything_but_a_placeholder_in_a_credential_position_is_refused(gate: Gate, headers: dict[str, str]) -> None:
    gate.refuses(request(**headers))


def test_a_placeholder_does_not_excuse_a_raw_credential_beside_it(gate: Gate) -> None:
    gate.refuses(request(authorization=f"Bearer {gate.placeholder}", x_api_key="k"))
    gate.refuses(request(authorization=f"Bearer {gate.placeholder}", query="access_token=k"))


@pytest.mark.parametrize(
    "query", ["access_token=k", "a=b&API_KEY=k", "X-Amz-Signature=00&X-Amz-Credential=x", "api%5Fkey=k"]
)
def test_a_key_in_the_query_is_refused(gate: Gate, query: str) -> None:
    gate.refuses(request(query=query))


def test_two_authorization_fields_are_refused(gate: Gate) -> None:
    twice = tuple(("authorization", f"Bearer {gate.placeholder}") for _ in range(2))
    gate.refuses(HttpRequest("GET", "https", CLOUD, 443, "/", "", twice))


def test_two_placeholders_are_refused(gate: Gate, vault: Vault) -> None:
    """Only one would become a secret: which one would be a guess."""
    vault.put("project", "cloud", "project-token", "p" * 30, "deploy", "ada", position="header:project-key")
    other = gate.broker.lease(SESSION, "project").placeholder
    gate.refuses(request(authorization=f"Bearer {gate.placeholder}", project_key=other))
    twice = tuple(("project-key", other) for _ in range(2))
    gate.refuses(HttpRequest("GET", "https", CLOUD, 443, "/", "", twice))


def test_a_short_secret_is_refused_by_position_only(gate: Gate, vault: Vault) -> None:
    vault.put("pin", "cloud", "password", "hunter22", "db", "ada")
    assert gate(request(host=ELSEWHERE, body=b"hunter22 is a word")) is None
    assert gate.refuses(request(host=ELSEWHERE, authorization=basic("ada", "hunter22"))).fingerprint
    assert gate.refuses(request(host=ELSEWHERE, x_api_key="hunter22")).fingerprint
    assert gate.refuses(request(authorization=basic("ada", "hunter22"))).fingerprint


# -- placeholders where they have no business


def test_a_placeholder_at_another_governed_host_is_refused_and_alarmed(gate: Gate) -> None:
    assert gate.refuses(request(host=MODEL, x_api_key=gate.placeholder)).fingerprint


def test_a_placeholder_in_the_credential_position_of_an_ungoverned_host_is_refused_and_alarmed(gate: Gate) -> None:
    for headers in ({"authorization": f"Bearer {gate.placeholder}"}, {"authorization": basic("u", gate.placeholder)}):
        assert gate.refuses(request(host=ELSEWHERE, **headers)).fingerprint


def test_a_placeholder_of_another_session_is_refused_and_alarmed(gate: Gate) -> None:
    assert gate.refuses(request(authorization=f"Bearer {gate.placeholder}"), session_of("s-2")).fingerprint


@pytest.mark.parametrize("thief", [session_of(agent="other"), session_of(task="t-2")])
def test_a_placeholder_works_for_its_agent_and_task_only(gate: Gate, thief: Session) -> None:
    gate.refuses(request(authorization=f"Bearer {gate.placeholder}"), thief)


def test_an_expired_or_revoked_placeholder_is_refused_without_alarm(gate: Gate, clock: Clock) -> None:
    clock.now = 2000.0
    assert not gate.refuses(request(authorization=f"Bearer {gate.placeholder}")).fingerprint
    clock.now = 1000.0
    gate.broker.revoke(SESSION.id)
    assert "no longer" in gate.refuses(request(authorization=f"Bearer {gate.placeholder}")).what


def test_a_placeholder_at_a_wrong_position_is_refused(gate: Gate) -> None:
    refused = gate.refuses(request(x_api_key=gate.placeholder))
    assert "header:authorization" in refused.remedy
    assert not refused.fingerprint


def test_a_near_miss_of_a_placeholder_is_a_raw_credential(gate: Gate) -> None:
    for wrong in (gate.placeholder[:-1], gate.placeholder + "a", gate.placeholder.upper()):
        gate.refuses(request(authorization=f"Bearer {wrong}"))


def test_no_credential_leaves_over_plain_http(gate: Gate) -> None:
    plain = HttpRequest("GET", "http", CLOUD, 80, "/", "", (("authorization", f"Bearer {gate.placeholder}"),))
    gate.refuses(plain)
    with pytest.raises(CredentialRefused):
        gate.broker.inject(plain, gate.lease)


# -- login endpoints


def test_a_refresh_token_is_taken_as_a_placeholder_in_json_and_forms(gate: Gate, vault: Vault) -> None:
    value = "rt-real+value/with=odd"
    vault.put("refresh", "cloud", "refresh", value, "login", "ada", position="field:refresh_token", hosts=[LOGIN])
    lease = gate.broker.lease(SESSION, "refresh")
    body = json.dumps({"grant_type": "refresh_token", "n": 1.50, "refresh_token": lease.placeholder}).encode()
    sent = request(LOGIN, "/oauth/token", body=body, content_type="application/json")
    assert gate(sent) == lease
    leaving = gate.broker.inject(sent, lease)
    assert leaving.body == body.replace(lease.placeholder.encode(), value.encode())
    body = f"a=b&refresh_token={lease.placeholder}".encode()
    form = request(LOGIN, "/oauth/token", body=body, content_type="application/x-www-form-urlencoded; charset=utf-8")
    assert gate(form) == lease
    assert gate.broker.inject(form, lease).body == b"a=b&refresh_token=rt-real%2Bvalue%2Fwith%3Dodd"


@pytest.mark.parametrize(
    "body",
    [
        b'{"refresh_token": "raw"}',
        b'{"refresh_token": "a", "refresh_token": "b"}',
        b'{"refresh_token": 5}',
        b"not json",
        b"[" * 100_000,
    ],
)
def test_a_raw_or_ambiguous_login_is_refused(gate: Gate, body: bytes) -> None:
    gate.refuses(request(LOGIN, "/oauth/token", body=body))


def test_a_login_body_that_streams_is_refused(gate: Gate) -> None:
    gate.refuses(request(LOGIN, "/oauth/token", body=None))


# -- URLs that are credentials themselves


def test_a_presigned_url_passes_for_its_session_until_it_expires(gate: Gate, clock: Clock) -> None:
    sent = request(path="/blob/1", query="X-Amz-Credential=a&X-Amz-Signature=b")
    gate.broker.capabilities.register(
        SESSION.id, f"https://{CLOUD}/blob/1?X-Amz-Credential=a&X-Amz-Signature=b", 1500.0
    )
    assert gate(sent) is None
    gate.refuses(sent, session_of("s-2"))
    gate.refuses(request(path="/blob/2", query=sent.query))
    clock.now = 1500.0
    gate.refuses(sent)


def test_a_header_that_came_with_a_url_passes_there_only(gate: Gate) -> None:
    gate.broker.capabilities.register(
        SESSION.id, f"https://{CLOUD}/lfs/1", 1500.0, {"Authorization": "RemoteAuth given"}
    )
    assert gate(request(path="/lfs/1", authorization="RemoteAuth given")) is None
    gate.refuses(request(path="/lfs/1", authorization="RemoteAuth other"))
    gate.refuses(request(path="/lfs/2", authorization="RemoteAuth given"))


# -- injection


def test_a_secret_that_could_begin_another_header_is_not_put_in(gate: Gate, vault: Vault) -> None:
    vault.put("evil", "cloud", "key", "value-of-it\r\nx-admin: 1", "x", "ada")
    lease = gate.broker.lease(SESSION, "evil")
    with pytest.raises(CredentialRefused):
        gate.broker.inject(request(authorization=f"Bearer {lease.placeholder}"), lease)


def test_nothing_is_put_in_where_the_placeholder_is_not(gate: Gate) -> None:
    for sent in (request(), request(authorization="Bearer x"), request(ELSEWHERE, authorization=gate.placeholder)):
        with pytest.raises(CredentialRefused):
            gate.broker.inject(sent, gate.lease)


def test_a_body_with_the_placeholder_twice_is_refused(gate: Gate, vault: Vault) -> None:
    vault.put("field", "cloud", "k", "v" * 20, "x", "ada", position="field:refresh_token", hosts=[LOGIN])
    lease = gate.broker.lease(SESSION, "field")
    body = json.dumps({"refresh_token": lease.placeholder, "note": lease.placeholder}).encode()
    with pytest.raises(CredentialRefused):
        gate.broker.inject(request(LOGIN, "/oauth/token", body=body), lease)
