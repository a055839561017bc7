-- Everyday objects.
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL DEFAULT lower('X') CHECK (length(name) < 100), email text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, total numeric, item_id int);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE SET NULL, sku text);
CREATE TABLE plain (id int, v int, doc jsonb);
CREATE TABLE log (at timestamptz DEFAULT now(), line text);
CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW names AS SELECT id, upper(name) AS name FROM users;
CREATE VIEW names_of_names AS SELECT name FROM names;
CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(total) FROM orders GROUP BY 1;
CREATE SEQUENCE numbers;
CREATE TYPE color AS ENUM ('red', 'green');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE pair AS (a int, b text);

CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE FUNCTION user_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM users';
CREATE FUNCTION greet(who text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE said text := 'hello '; BEGIN said := said || who; RETURN said; END $$;
CREATE FUNCTION add_line(l text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log(line) VALUES (l); END $$;
CREATE FUNCTION prune() RETURNS void LANGUAGE sql AS 'DELETE FROM log WHERE at < now() - interval ''1 day''';
CREATE FUNCTION even(n int) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN IF n = 0 THEN RETURN true; END IF; RETURN odd(n - 1); END $$;
CREATE FUNCTION odd(n int) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN IF n = 0 THEN RETURN false; END IF; RETURN even(n - 1); END $$;
CREATE FUNCTION atomic_read() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM users; END;
CREATE FUNCTION atomic_write() RETURNS int BEGIN ATOMIC UPDATE plain SET v = 1 RETURNING 1; END;
CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM log; END $$;

CREATE TABLE audited (id int PRIMARY KEY, v text);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN INSERT INTO log(line) VALUES (TG_OP || coalesce(new.v, old.v)); RETURN coalesce(new, old); END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON audited FOR EACH ROW EXECUTE FUNCTION audit();

-- Traps.
CREATE TABLE victim (id int);
CREATE FUNCTION boom(x int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM vic' || 'tim'; RETURN x; END $$;
CREATE FUNCTION boom_row(r plain) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN 1; END $$;
CREATE FUNCTION boom_any(r anyelement) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN 1; END $$;
CREATE FUNCTION wipe(x int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM victim; RETURN x; END $$;
CREATE FUNCTION calm(x int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN boom(x); END $$;
CREATE FUNCTION hidden_default() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record := (SELECT boom(1)); BEGIN RETURN 1; END $$;
CREATE FUNCTION hidden_call() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record := boom(1); BEGIN RETURN 1; END $$;
CREATE FUNCTION hidden_typed() RETURNS int LANGUAGE plpgsql AS $$ DECLARE c color := boom(1); BEGIN RETURN 1; END $$;
CREATE FUNCTION powerful() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT count(*) FROM users';
CREATE FUNCTION lazy(x int, y int DEFAULT boom(1)) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x';
CREATE FUNCTION sets_role() RETURNS int LANGUAGE sql AS $$ SELECT set_config('role', 'postgres', false); SELECT 1 $$;
CREATE FUNCTION pins_off() RETURNS int LANGUAGE sql SET standard_conforming_strings = off AS 'SELECT 1';
CREATE FUNCTION empties() RETURNS void LANGUAGE plpgsql AS $$ BEGIN TRUNCATE plain; END $$;
CREATE FUNCTION shouts() RETURNS void LANGUAGE plpgsql AS $$ BEGIN NOTIFY ears, 'x'; END $$;
CREATE FUNCTION evil_step(a int, b int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN a; END $$;
CREATE AGGREGATE evil_sum(int) (sfunc = evil_step, stype = int);
CREATE OPERATOR @@@@ (leftarg = int, rightarg = int, function = evil_step);
CREATE FUNCTION evil_check(x int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN EXECUTE 'SELECT boom(1)'; RETURN true; END $$;
CREATE DOMAIN evil AS int CHECK (evil_check(value));
CREATE TABLE with_evil (id int, e evil);
CREATE VIEW evil_view AS SELECT boom(id) AS x FROM plain;
CREATE VIEW evil_view_of_view AS SELECT * FROM evil_view;
CREATE VIEW locking AS SELECT id FROM plain FOR UPDATE;
CREATE TABLE evil_default (id int DEFAULT boom(1), v int);
CREATE TABLE ruled (id int);
CREATE RULE ruled AS ON INSERT TO ruled DO ALSO DELETE FROM victim WHERE id = new.id;
CREATE TABLE noisy (id int);
CREATE RULE noisy AS ON INSERT TO noisy DO ALSO NOTIFY ears;
CREATE FUNCTION dynamic_trigger() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN new; END $$;
CREATE TABLE triggered (id int);
CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION dynamic_trigger();
CREATE TABLE parent_of_evil (id int PRIMARY KEY);
CREATE TABLE child_of_evil (id int REFERENCES parent_of_evil ON DELETE CASCADE);
CREATE TRIGGER t BEFORE DELETE ON child_of_evil FOR EACH ROW EXECUTE FUNCTION dynamic_trigger();
CREATE TABLE guarded_rows (id int, owner text);
ALTER TABLE guarded_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded_rows USING (boom(id) = id);
CREATE TABLE indexed (id int);
CREATE FUNCTION wipes_once(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN x; END $$;
CREATE INDEX indexed_wipes ON indexed (wipes_once(id));
CREATE TABLE counted (id int, v int);
CREATE STATISTICS counted_wipes ON wipes_once(id), v FROM counted;
CREATE TABLE root (id int) PARTITION BY RANGE (id);
CREATE TABLE root_1 PARTITION OF root FOR VALUES FROM (0) TO (9);
CREATE INDEX root_1_wipes ON root_1 (id) WHERE wipes_once(id) > 0;

-- Overloads that would be called for the built-in ones: only where the search_path has this schema.
CREATE SCHEMA traps;
CREATE FUNCTION traps.upper(x pair) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN 1; END $$;
CREATE FUNCTION traps.evil_compare(a text, b pair) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'DELETE FROM victim'; RETURN true; END $$;
CREATE OPERATOR traps.~~ (leftarg = text, rightarg = pair, function = traps.evil_compare);
