"""Every table, as SQLAlchemy Core. The migrations make them; a test compares the two.

Times are integer nanoseconds since the epoch, ids are text, JSON columns take and give JSON values and are stored in
their canonical form, so that what was digested is what lies there.
"""

from __future__ import annotations

import json
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

from yett.model.canonical import Json, canonical


class CanonicalJson(TypeDecorator[Json]):
    """A JSON value, stored as its canonical text (floats are refused: model/canonical.py)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Json | None, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json | None:
        return None if value is None else cast(Json, json.loads(value))


metadata = MetaData()


def _id(name: str = "id") -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _optional_text(name: str) -> Column[str | None]:
    return Column(name, Text, nullable=True)


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _optional_time(name: str) -> Column[int | None]:
    return Column(name, BigInteger, nullable=True)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _json(name: str) -> Column[Json]:
    return Column(name, CanonicalJson, nullable=False)


schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("name"),
    _time("applied_at"),
)

meta = Table("meta", metadata, _id("key"), _text("value"))
"""`store`: this store's id; `realm`: real or drill; `log.vkey`: the verifier key of its log."""

persons = Table(
    "persons",
    metadata,
    _id(),
    _text("name"),
    _time("enrolled_at"),
    _optional_time("removed_at"),
    _text("account"),  # the system account they are known by, "" if none
)

keys = Table(
    "keys",
    metadata,
    _id(),  # the WebAuthn credential id, base64url without padding
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    _number("sign_count"),
    _text("aaguid"),
    _text("label"),
    _time("enrolled_at"),
    _optional_time("removed_at"),
)

enrolment_codes = Table(
    "enrolment_codes", metadata, _id("hash"), _text("purpose"), _time("expires_at"), _optional_time("used_at")
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _text("agent"),
    _text("owner"),
    _text("client"),
    _json("teams"),
    _text("workspace"),
    _flag("observe"),
    _text("task"),  # the task's id; the columns up to expires_at are the task's
    _text("purpose"),
    _optional_text("environment"),
    _flag("production"),
    _time("started_at"),
    _time("expires_at"),
    _optional_time("ended_at"),
)

environments = Table(
    "environments",
    metadata,
    _id("provider"),
    _id("id"),
    _text("name"),
    Column("class", Text, nullable=False, key="class_"),  # model.EnvironmentClass
    _optional_text("signed_by"),  # a key's id; none: proposed, not signed
)

secrets = Table(
    "secrets",
    metadata,
    _id("name"),
    _text("provider"),
    _text("kind"),
    _text("fingerprint"),
    Column("sealed", LargeBinary, nullable=True),  # gone when the secret is removed
    _text("last_four"),
    _text("purpose"),
    _text("owner"),
    _json("hosts"),
    _text("position"),
    _optional_text("environment"),
    _time("created_at"),
    _optional_time("removed_at"),
)

leases = Table(
    "leases",
    metadata,
    _id(),
    _text("session"),
    _text("secret"),
    Column("placeholder_hash", Text, nullable=False, unique=True),
    _text("provider"),
    _json("hosts"),
    _text("position"),
    _time("expires_at"),
    _optional_time("revoked_at"),
    Index("leases_session", "session"),
)

HOLD_STATES = ("waiting", "approved", "consumed", "released", "unknown", "denied", "expired", "cancelled")

holds = Table(
    "holds",
    metadata,
    _id(),
    _text("session"),
    _text("agent"),
    _text("digest"),
    _json("operation"),
    _text("state"),  # one of HOLD_STATES
    Column("nonce", Text, nullable=False, unique=True),
    _time("created_at"),
    _time("expires_at"),
    _time("approve_after"),  # an approval counts from then on (obligation delay:N)
    _number("quorum"),
    _json("obligations"),
    _json("decision"),
    _json("impact"),
    _json("undo"),
    _text("request_digest"),
    _text("summary"),
    _text("reason_by_agent"),  # hostile text (law 13)
    _text("checkpoint"),  # the log's signed note that the approval's challenge covers (law 7)
    _optional_time("consumed_at"),
    _text("ended"),  # why it is over, "" while it is not
    Index("holds_session", "session", "state"),
    Index("holds_digest", "digest"),
)

approvals = Table(
    "approvals",
    metadata,
    _id(),
    Column("hold", Text, ForeignKey("holds.id"), nullable=False),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("key", Text, ForeignKey("keys.id"), nullable=False),
    _text("verdict"),
    _text("challenge"),
    _json("assertion"),
    _time("at"),
    Index("approvals_hold", "hold"),
)

ACT_STATES = ("waiting", "signed", "done", "declined", "expired", "cancelled")

acts = Table(
    "acts",
    metadata,
    _id(),
    _text("kind"),
    _json("body"),
    _text("state"),  # one of ACT_STATES
    Column("nonce", Text, nullable=False, unique=True),
    _time("created_at"),
    _time("expires_at"),
    _text("proposed_by"),
    _text("checkpoint"),
    _text("ended"),
    Index("acts_state", "state"),
)
"""Whatever else needs a person's key (law 8): enrolling one, lockdown off, policy, grants, ..."""

act_signatures = Table(
    "act_signatures",
    metadata,
    _id(),
    Column("act", Text, ForeignKey("acts.id"), nullable=False),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("key", Text, ForeignKey("keys.id"), nullable=False),
    _text("challenge"),
    _json("assertion"),
    _time("at"),
    Index("act_signatures_act", "act"),
)

grants = Table(
    "grants",
    metadata,
    _id(),
    _text("session"),
    _json("actions"),
    _json("resources"),
    _number("count"),
    _number("used"),
    _time("expires_at"),
    _text("signed_by"),
    Index("grants_session", "session"),
)

budgets = Table("budgets", metadata, _id("session"), _number("deletes"), _number("rows"), _number("bytes"))
"""What each task has spent so far (law 12)."""

remembered = Table("remembered", metadata, _id("session"), _id("host"), _id("method"))

undos = Table(
    "undos",
    metadata,
    _id(),
    _optional_text("hold"),
    _text("provider"),
    _text("resource_kind"),
    _text("resource_id"),
    _text("how"),
    _text("folder"),
    _json("facts"),
    _json("gaps"),
    _time("made_at"),
    _optional_time("verified_at"),
    _optional_time("applied_at"),
    _text("task"),  # the task's id, "" if none
    _text("what"),  # the act that it undoes, in a few words
    _text("store"),  # the place's name (recovery.keep.Place); "": a plain folder, which never expires
    _number("stored"),  # bytes there
    _optional_time("expires_at"),
    _optional_time("checked_at"),  # last read from end to end
    _optional_time("removed_at"),
    _optional_text("became"),  # of the act: committed, or unknown for ever; NULL: not known yet, or nobody to ask
    _optional_text("applying"),  # the transaction that brings it back, while nobody knows what became of that one
    _json("restored_by"),  # every transaction that brought it back, or may have: how `applying` names them
    Index("undos_hold", "hold"),
)

databases = Table(
    "databases",
    metadata,
    _id("name"),
    _text("provider"),
    _text("id"),
    _text("host"),
    _number("port"),
    _text("dbname"),
    _text("environment"),
    _text("secret"),
    _json("scope"),
    _time("added_at"),
    _text("added_by"),
)
"""`id`: immutable, asked of the server itself; `secret`: the name of Yett's own login in the vault."""

lockdown = Table("lockdown", metadata, _id("scope"), _flag("on"), _time("since"), _text("by"))

INFLIGHT_STATES = ("open", "done", "refused", "unknown")

inflight = Table(
    "inflight",
    metadata,
    Column("intent", BigInteger, primary_key=True, autoincrement=False),  # the intent entry's index in the log
    _optional_text("hold"),
    _text("session"),
    _text("state"),  # one of INFLIGHT_STATES
    _optional_text("xact"),  # where the provider can be asked what became of it, in its own words
    Index("inflight_state", "state"),
)

credentials = Table(
    "credentials",
    metadata,
    _id("fingerprint"),
    _text("provider"),
    _text("kind"),
    _text("title"),
    _text("identity"),
    _text("account"),
    _text("last_four"),
    _text("owner"),  # a person's name, "" while nobody answers for it
    _text("purpose"),
    _text("review"),  # an ISO day, "" if none is set
)
"""What was ever found, whichever workspace it was in. A fingerprint is the broker's keyed one; no value lies here."""

sightings = Table(
    "sightings",
    metadata,
    _id("workspace"),
    Column("fingerprint", Text, ForeignKey("credentials.fingerprint"), primary_key=True),
    _number("severity"),  # inventory.Severity
    _text("environment"),
    _json("places"),  # [{source, path, line, commit}]
    _number("further"),  # places beyond those listed
    _time("first_seen"),
    _time("last_seen"),
    _optional_time("gone_since"),
    Index("sightings_fingerprint", "fingerprint"),
)
"""One credential within reach of an agent that is started in one workspace."""

inventories = Table("inventories", metadata, _id("workspace"), _time("scanned_at"))
"""When a whole workspace was last looked through."""

acceptances = Table(
    "acceptances",
    metadata,
    Column("act", Text, ForeignKey("acts.id"), primary_key=True),
    _text("workspace"),
    _text("fingerprint"),
    _number("severity"),  # as it stood in what was signed
    _text("reason"),
    _text("until"),  # an ISO day, the last on which it counts
    _text("signed_by"),
    _time("signed_at"),
    Index("acceptances_workspace", "workspace"),
)
"""Which credential a person's key accepted, in which workspace (law 8). Written with the signature, never otherwise."""

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

ledger_tile = Table(
    "ledger_tile",
    metadata,
    Column("level", BigInteger, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),  # the tile's own subtree hash: one hash of the tile above
    Column("hashes", LargeBinary, nullable=False),  # 256 x 32 bytes: only full tiles are stored
)

ledger_checkpoint = Table(
    "ledger_checkpoint", metadata, Column("size", BigInteger, primary_key=True, autoincrement=False), _text("note")
)
"""The newest checkpoint that was signed, one row."""
