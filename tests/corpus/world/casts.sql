-- Casts that need no spelling out, and purge. For cases that ask for it: with these in reach hardly anything is a proven read.
CREATE FUNCTION purge_cast(text) RETURNS danger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN ROW($1)::public.danger; END $$;
CREATE CAST (text AS danger) WITH FUNCTION purge_cast(text) AS ASSIGNMENT;
CREATE FUNCTION purge_softly(softly) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victims; RETURN ($1).n; END $$;
CREATE CAST (softly AS int) WITH FUNCTION purge_softly(softly) AS IMPLICIT;
