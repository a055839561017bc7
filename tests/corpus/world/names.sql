-- Functions and operators named like built-in ones. For cases that ask for them: with an `=` like this in reach hardly any
-- comparison is a proven read.
SET SESSION AUTHORIZATION steward;
-- These match the argument types better, or what the caller gives is a row.
CREATE FUNCTION "left"(text, bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN $1; END $$;
CREATE FUNCTION round(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN 1; END $$;
CREATE FUNCTION upper(accounts) RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN 'x'; END $$;
CREATE FUNCTION lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN $1; END $$;
CREATE FUNCTION now(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN 1; END $$;
CREATE FUNCTION coalesce_(int) RETURNS int LANGUAGE sql AS 'SELECT public.purge()';
CREATE FUNCTION purge_eq(text, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = int, FUNCTION = purge_eq);
CREATE FUNCTION purge_cat(accounts, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN $2; END $$;
CREATE OPERATOR || (LEFTARG = accounts, RIGHTARG = text, FUNCTION = purge_cat);
RESET SESSION AUTHORIZATION;
