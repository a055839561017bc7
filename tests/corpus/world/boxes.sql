-- An operator class that a superuser made for a type that came with the server, and that had none for sorting: it purges.
SET SESSION AUTHORIZATION steward;
CREATE FUNCTION box_lt_purges(box, box) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.purge(); RETURN area($1) < area($2); END $$;
CREATE FUNCTION box_cmp_purges(box, box) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.purge(); RETURN sign(area($1) - area($2)); END $$;
CREATE OPERATOR <# (LEFTARG = box, RIGHTARG = box, FUNCTION = box_lt_purges);
RESET SESSION AUTHORIZATION;
CREATE OPERATOR CLASS box_by_area DEFAULT FOR TYPE box USING btree AS
  OPERATOR 1 <#, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 box_cmp_purges(box, box);
CREATE TABLE crates (id int PRIMARY KEY, b box);
INSERT INTO crates VALUES (1, '(3,3),(0,0)'), (2, '(1,1),(0,0)'), (3, '(2,2),(0,0)');
GRANT ALL ON crates TO PUBLIC;
