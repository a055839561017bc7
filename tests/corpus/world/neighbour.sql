-- The database next door, which no undo of this one reaches.
CREATE TABLE far (id int PRIMARY KEY, v text);
INSERT INTO far SELECT i + 100, 'far ' || i FROM generate_series(1, 8) i;
CREATE FUNCTION far_purge() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.far; RETURN 1; END $$;
CREATE VIEW far_purges AS SELECT public.far_purge() AS n;
