-- What came with 18.
SET SESSION AUTHORIZATION steward;
CREATE TABLE virtual (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 3) VIRTUAL);
INSERT INTO virtual SELECT i, i FROM generate_series(1, 6) i;
CREATE TABLE stays (id int4range, during daterange, v text, PRIMARY KEY (id, during));
INSERT INTO stays VALUES ('[1,2)', '[2024-01-01,2024-02-01)', 'a');
CREATE TABLE unforced (id int PRIMARY KEY, n int, CONSTRAINT calls CHECK (purge_bool(n)) NOT ENFORCED);
RESET SESSION AUTHORIZATION;
