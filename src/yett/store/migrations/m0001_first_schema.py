"""Persons, sessions, secrets, holds and the ledger: the first schema."""

STATEMENTS = (
    """CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) {table_end}""",
    """CREATE TABLE persons (
        id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, enrolled_at {integer} NOT NULL, removed_at {integer}
    ) {table_end}""",
    """CREATE TABLE keys (
        id TEXT PRIMARY KEY NOT NULL, person TEXT NOT NULL REFERENCES persons (id), public_key {bytes} NOT NULL,
        sign_count {integer} NOT NULL, aaguid TEXT NOT NULL, label TEXT NOT NULL, enrolled_at {integer} NOT NULL,
        removed_at {integer}
    ) {table_end}""",
    """CREATE TABLE enrolment_codes (
        hash TEXT PRIMARY KEY NOT NULL, purpose TEXT NOT NULL, expires_at {integer} NOT NULL, used_at {integer}
    ) {table_end}""",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY NOT NULL, agent TEXT NOT NULL, owner TEXT NOT NULL, client TEXT NOT NULL,
        teams TEXT NOT NULL, workspace TEXT NOT NULL, observe {boolean} NOT NULL, task TEXT NOT NULL,
        purpose TEXT NOT NULL, environment TEXT, production {boolean} NOT NULL, started_at {integer} NOT NULL,
        expires_at {integer} NOT NULL, ended_at {integer}
    ) {table_end}""",
    """CREATE TABLE environments (
        provider TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, class TEXT NOT NULL, signed_by TEXT,
        PRIMARY KEY (provider, id), CHECK (class IN ('production', 'non-production'))
    ) {table_end}""",
    """CREATE TABLE secrets (
        name TEXT PRIMARY KEY NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL, fingerprint TEXT NOT NULL,
        sealed {bytes}, last_four TEXT NOT NULL, purpose TEXT NOT NULL, owner TEXT NOT NULL, hosts TEXT NOT NULL,
        position TEXT NOT NULL, environment TEXT, created_at {integer} NOT NULL, removed_at {integer},
        CHECK (length(last_four) <= 4)
    ) {table_end}""",
    """CREATE TABLE leases (
        id TEXT PRIMARY KEY NOT NULL, session TEXT NOT NULL, secret TEXT NOT NULL,
        placeholder_hash TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, hosts TEXT NOT NULL, position TEXT NOT NULL,
        expires_at {integer} NOT NULL, revoked_at {integer}
    ) {table_end}""",
    """CREATE INDEX leases_session ON leases (session)""",
    """CREATE TABLE holds (
        id TEXT PRIMARY KEY NOT NULL, session TEXT NOT NULL, agent TEXT NOT NULL, digest TEXT NOT NULL,
        operation TEXT NOT NULL, state TEXT NOT NULL, nonce TEXT NOT NULL UNIQUE, created_at {integer} NOT NULL,
        expires_at {integer} NOT NULL, approve_after {integer} NOT NULL, quorum {integer} NOT NULL,
        obligations TEXT NOT NULL, decision TEXT NOT NULL, impact TEXT NOT NULL, undo TEXT NOT NULL,
        request_digest TEXT NOT NULL, summary TEXT NOT NULL, reason_by_agent TEXT NOT NULL, checkpoint TEXT NOT NULL,
        consumed_at {integer}, CHECK (quorum >= 0),
        CHECK (state IN ('waiting', 'approved', 'consumed', 'released', 'unknown', 'denied', 'expired', 'cancelled'))
    ) {table_end}""",
    """CREATE INDEX holds_session ON holds (session, state)""",
    """CREATE INDEX holds_digest ON holds (digest)""",
    """CREATE TABLE approvals (
        id TEXT PRIMARY KEY NOT NULL, hold TEXT NOT NULL REFERENCES holds (id),
        person TEXT NOT NULL REFERENCES persons (id), key TEXT NOT NULL REFERENCES keys (id), verdict TEXT NOT NULL,
        challenge TEXT NOT NULL, assertion TEXT NOT NULL, at {integer} NOT NULL
    ) {table_end}""",
    """CREATE INDEX approvals_hold ON approvals (hold)""",
    """CREATE TABLE grants (
        id TEXT PRIMARY KEY NOT NULL, session TEXT NOT NULL, actions TEXT NOT NULL, resources TEXT NOT NULL,
        count {integer} NOT NULL, used {integer} NOT NULL, expires_at {integer} NOT NULL, signed_by TEXT NOT NULL,
        CHECK (used >= 0 AND used <= count)
    ) {table_end}""",
    """CREATE INDEX grants_session ON grants (session)""",
    """CREATE TABLE budgets (
        session TEXT PRIMARY KEY NOT NULL, deletes {integer} NOT NULL, rows {integer} NOT NULL, bytes {integer} NOT NULL
    ) {table_end}""",
    """CREATE TABLE remembered (
        session TEXT NOT NULL, host TEXT NOT NULL, method TEXT NOT NULL, PRIMARY KEY (session, host, method)
    ) {table_end}""",
    """CREATE TABLE undos (
        id TEXT PRIMARY KEY NOT NULL, hold TEXT, provider TEXT NOT NULL, resource_kind TEXT NOT NULL,
        resource_id TEXT NOT NULL, how TEXT NOT NULL, folder TEXT NOT NULL, facts TEXT NOT NULL, gaps TEXT NOT NULL,
        made_at {integer} NOT NULL, verified_at {integer}, applied_at {integer}
    ) {table_end}""",
    """CREATE INDEX undos_hold ON undos (hold)""",
    """CREATE TABLE lockdown (
        scope TEXT PRIMARY KEY NOT NULL, "on" {boolean} NOT NULL, since {integer} NOT NULL, "by" TEXT NOT NULL
    ) {table_end}""",
    """CREATE TABLE inflight (
        intent {integer} PRIMARY KEY NOT NULL, hold TEXT, session TEXT NOT NULL, state TEXT NOT NULL,
        CHECK (state IN ('open', 'done', 'refused', 'unknown'))
    ) {table_end}""",
    """CREATE INDEX inflight_state ON inflight (state)""",
    """CREATE TABLE findings (
        fingerprint TEXT PRIMARY KEY NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
        first_seen {integer} NOT NULL, locations TEXT NOT NULL, accepted {boolean} NOT NULL
    ) {table_end}""",
    """CREATE TABLE ledger_entry (idx {integer} PRIMARY KEY NOT NULL, data {bytes} NOT NULL) {table_end}""",
    """CREATE TABLE ledger_tile (
        level {integer} NOT NULL, idx {integer} NOT NULL, root {bytes} NOT NULL, hashes {bytes} NOT NULL,
        PRIMARY KEY (level, idx)
    ) {table_end}""",
    """CREATE TABLE ledger_checkpoint (size {integer} PRIMARY KEY NOT NULL, note TEXT NOT NULL) {table_end}""",
)
