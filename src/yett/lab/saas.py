"""A company's database: users, their bookings and cars, with everything that makes a delete reach far."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL,
    plan text NOT NULL DEFAULT 'free', created timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE cars (
    id serial PRIMARY KEY, owner bigint REFERENCES users ON DELETE SET NULL, plate text NOT NULL, seats int NOT NULL
);
CREATE TABLE bookings (
    id bigserial PRIMARY KEY, driver bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    car int REFERENCES cars ON DELETE CASCADE, paid numeric(10, 2), note text, at tstzrange
);
CREATE TABLE events (at timestamptz NOT NULL, kind text, body jsonb) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE TABLE totals (plan text PRIMARY KEY, users int NOT NULL);
CREATE VIEW paying AS SELECT id, name FROM users WHERE plan <> 'free';
CREATE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE totals SET users = (SELECT count(*) FROM users);
    RETURN NULL;
END $$;
INSERT INTO users (email, name, plan)
    SELECT 'user' || n || '@example.com', 'User ' || n, CASE WHEN n % 7 = 0 THEN 'team' ELSE 'free' END
    FROM generate_series(1, 400) n;
INSERT INTO cars (owner, plate, seats) SELECT n, 'K-' || n, 2 + n % 5 FROM generate_series(1, 60) n;
INSERT INTO bookings (driver, car, paid, note, at)
    SELECT 1 + n % 400, 1 + n % 60, n / 3.0, CASE WHEN n % 5 = 0 THEN NULL ELSE E'note\\t' || n END,
           tstzrange('2026-01-01Z'::timestamptz + n * interval '1 h', '2026-01-02Z'::timestamptz + n * interval '1 h')
    FROM generate_series(1, 4000) n;
INSERT INTO events SELECT '2025-06-01'::timestamptz + n * interval '1 hour', 'login', jsonb_build_object('n', n)
    FROM generate_series(1, 6000) n;
INSERT INTO totals VALUES ('all', 400);
CREATE TRIGGER users_counted AFTER INSERT OR DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION count_users();
CREATE INDEX bookings_driver ON bookings (driver);
"""
"""A script for psql -1: one transaction."""
