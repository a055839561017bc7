"""Every kind of statement that changes rows is undone bit for bit, or refused with the data intact."""

from __future__ import annotations

from pathlib import Path

import pytest
from guarded import Database, guarded, run

from yett.providers.postgres.guard.restore import restore

SHOP = """
CREATE TABLE users (id int PRIMARY KEY, nick text NOT NULL, boss int REFERENCES users ON DELETE SET NULL);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, payload text);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE SET NULL, sku text);
CREATE TABLE log (id bigserial PRIMARY KEY, what text);
CREATE TABLE totals (name text PRIMARY KEY, n int NOT NULL);
CREATE TABLE loose (a int, b text);
INSERT INTO users SELECT g, 'u' || g, nullif(g / 2, 0) FROM generate_series(1, 100) g;
INSERT INTO orders SELECT g, g % 100 + 1, repeat(md5(g::text), 6) FROM generate_series(1, 300) g;
INSERT INTO items SELECT g, g % 300 + 1, md5(g::text) FROM generate_series(1, 600) g;
INSERT INTO totals VALUES ('orders', 300), ('other', 5);
INSERT INTO loose SELECT g % 7, CASE WHEN g % 5 = 0 THEN NULL ELSE 'x' || g % 3 END FROM generate_series(1, 100) g;
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  UPDATE public.totals SET n = n - 1 WHERE name = 'orders';
  RETURN NULL; END $$;
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  INSERT INTO public.log (what) VALUES (TG_OP || TG_TABLE_NAME);
  RETURN NULL; END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agent;
"""
COUNTED = "CREATE TRIGGER counted AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION count_it();"
LOGGED = "CREATE TRIGGER logged AFTER DELETE OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION log_it();"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM users WHERE id BETWEEN 30 AND 60",
        "DELETE FROM users",
        "UPDATE orders SET payload = 'boom'",
        "UPDATE orders SET payload = 'a' WHERE id = 5; UPDATE orders SET payload = 'b' WHERE id = 5",
        "INSERT INTO users VALUES (1000, 'new', 1), (1001, 'newer', 1000)",
        "INSERT INTO log (what) SELECT 'x' FROM generate_series(1, 50)",
        "INSERT INTO users VALUES (5, 'taken', 1) ON CONFLICT (id) DO UPDATE SET nick = excluded.nick",
        "UPDATE items SET id = id + 5000 WHERE id > 590",
        "MERGE INTO items i USING orders o ON i.order_id = o.id WHEN MATCHED AND i.id < 50 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET sku = 'm'",
        "DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'items';"
        " EXECUTE 'UPDATE orders SET user_id = NULL WHERE id < 100'; END $$",
        "DO $$ BEGIN BEGIN DELETE FROM items WHERE id < 20; EXCEPTION WHEN OTHERS THEN NULL; END;"
        " DELETE FROM items WHERE id BETWEEN 30 AND 40; END $$",
        "DO $$ BEGIN BEGIN DELETE FROM items WHERE id < 20; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END;"
        " DELETE FROM items WHERE id BETWEEN 10 AND 40; END $$",
        "WITH d AS (DELETE FROM items WHERE id < 300 RETURNING *)"
        " UPDATE orders SET payload = 'x' WHERE id IN (SELECT order_id FROM d)",
        "DELETE FROM loose WHERE a = 3",
        "UPDATE loose SET b = 'same' WHERE a < 4",
        "INSERT INTO loose SELECT 3, 'x1' FROM generate_series(1, 10)",
        "SELECT * FROM users FOR UPDATE; DELETE FROM users WHERE id = 50",
        "SAVEPOINT a; UPDATE users SET nick = 'p' WHERE id = 7; ROLLBACK TO a;"
        " UPDATE users SET nick = 'q' WHERE id = 8",
        "SAVEPOINT a; INSERT INTO users VALUES (2000, 'n', 1); RELEASE a; SAVEPOINT b; DELETE FROM users WHERE id = 99",
        "INSERT INTO users VALUES (2000, 'n', 1); UPDATE users SET nick = 'nn' WHERE id = 2000;"
        " DELETE FROM users WHERE id = 2000; DELETE FROM users WHERE id = 77",
    ],
)
@pytest.mark.parametrize("triggers", ["", COUNTED + LOGGED], ids=["", "triggers"])
def test_what_changed_rows_is_undone_bit_for_bit(
    database: Database, tmp_path: Path, statement: str, triggers: str
) -> None:
    database.run(SHOP + triggers)
    before = database.digest()
    _, captured = run(
        guarded(database, tmp_path / "undo", *statement.split("; ") if "$$" not in statement else [statement])
    )
    assert database.digest() != before
    run(restore(database, captured, verify=True))
    assert database.digest() == before
