-- A type whose every comparison purges, with an operator class: for cases that sort, group, join by it.
SET SESSION AUTHORIZATION steward;
CREATE TYPE weight AS (g int);
CREATE FUNCTION weight_lt(weight, weight) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.purge(); RETURN $1.g < $2.g; END $$;
CREATE FUNCTION weight_le(weight, weight) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.g <= $2.g';
CREATE FUNCTION weight_eq(weight, weight) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.purge(); RETURN $1.g = $2.g; END $$;
CREATE FUNCTION weight_ge(weight, weight) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.g >= $2.g';
CREATE FUNCTION weight_gt(weight, weight) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.g > $2.g';
CREATE FUNCTION weight_cmp(weight, weight) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.purge(); RETURN $1.g - $2.g; END $$;
CREATE OPERATOR < (LEFTARG = weight, RIGHTARG = weight, FUNCTION = weight_lt);
CREATE OPERATOR <= (LEFTARG = weight, RIGHTARG = weight, FUNCTION = weight_le);
CREATE OPERATOR = (LEFTARG = weight, RIGHTARG = weight, FUNCTION = weight_eq);
CREATE OPERATOR >= (LEFTARG = weight, RIGHTARG = weight, FUNCTION = weight_ge);
CREATE OPERATOR > (LEFTARG = weight, RIGHTARG = weight, FUNCTION = weight_gt);
RESET SESSION AUTHORIZATION;
CREATE OPERATOR CLASS weight_ops DEFAULT FOR TYPE weight USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 weight_cmp(weight, weight);
SET SESSION AUTHORIZATION steward;
CREATE TABLE parcels (id int PRIMARY KEY, w weight);
INSERT INTO parcels VALUES (1, ROW(3)), (2, ROW(1)), (3, ROW(2));
CREATE TYPE weights AS RANGE (SUBTYPE = weight);
CREATE VIEW v_weights AS SELECT w FROM parcels ORDER BY w;
CREATE VIEW v_weighed AS SELECT DISTINCT x FROM (VALUES ('(1)'::weight), ('(2)'::weight)) v (x);
CREATE DOMAIN heavy AS weight;
GRANT ALL ON parcels, v_weights, v_weighed TO PUBLIC;
RESET SESSION AUTHORIZATION;
