-- Twenty statements of some two hundred bytes, as applications on the lab's schema (lab/saas.py) would send them.

SELECT u.id, u.email, u.name, count(b.id) AS bookings FROM users u LEFT JOIN bookings b ON b.driver = u.id WHERE
u.plan = 'team' AND u.id > 100 GROUP BY u.id, u.email, u.name ORDER BY bookings DESC LIMIT 20;

SELECT b.id, b.paid, b.note, c.plate, u.name FROM bookings b JOIN cars c ON c.id = b.car JOIN users u ON u.id =
b.driver WHERE b.paid BETWEEN 10 AND 250 AND c.plate LIKE 'K-%' AND u.plan <> 'free' ORDER BY b.id;

SELECT "users"."id" AS t0_c0, "users"."email" AS t0_c1, "users"."name" AS t0_c2, "users"."plan" AS t0_c3,
"users"."created" AS t0_c4 FROM "users" WHERE "users"."email" = $1 ORDER BY "users"."id" ASC LIMIT $2;

SELECT date_trunc('day', created) AS day, plan, count(*) AS signups FROM users WHERE created >= now() - interval '30
days' AND email NOT LIKE '%@example.com' GROUP BY 1, 2 HAVING count(*) > 3 ORDER BY day DESC, plan;

WITH spent AS (SELECT driver, sum(paid) AS total FROM bookings WHERE paid IS NOT NULL GROUP BY driver) SELECT
u.name, s.total FROM spent s JOIN users u ON u.id = s.driver WHERE s.total > 500 ORDER BY s.total DESC;

SELECT c.id, c.plate, c.seats, rank() OVER (PARTITION BY c.seats ORDER BY c.id) AS place, coalesce(u.name, '-') FROM
cars c LEFT JOIN users u ON u.id = c.owner WHERE c.seats BETWEEN 2 AND 7 ORDER BY c.seats, place LIMIT 50;

SELECT kind, count(*) AS times, min(at) AS first, max(at) AS last, sum((body ->> 'n')::int) AS total FROM events
WHERE at >= '2025-07-01' AND at < '2025-08-01' AND body ? 'n' GROUP BY kind ORDER BY times DESC LIMIT 10;

SELECT u.id, u.email FROM users u WHERE EXISTS (SELECT 1 FROM bookings b WHERE b.driver = u.id AND b.paid > 100) AND
NOT EXISTS (SELECT 1 FROM cars c WHERE c.owner = u.id AND c.seats > 4) ORDER BY u.created DESC LIMIT 25;

SELECT p.id, p.name, (SELECT max(b.paid) FROM bookings b WHERE b.driver = p.id) AS most, lower(p.name) AS sorted
FROM paying p WHERE p.name ILIKE 'user 1%' AND length(p.name) < 40 ORDER BY sorted, p.id OFFSET 20 LIMIT 20;

SELECT CASE WHEN paid IS NULL THEN 'open' WHEN paid < 50 THEN 'small' ELSE 'large' END AS size, count(*), avg(paid)
FROM bookings WHERE driver IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89) AND note IS NOT NULL GROUP BY 1 ORDER BY 1;

SELECT id, email FROM users WHERE plan = 'team' UNION ALL SELECT u.id, u.email FROM users u JOIN cars c ON c.owner =
u.id WHERE c.seats >= 5 AND u.plan = 'free' UNION ALL SELECT id, name FROM paying WHERE id < 20 ORDER BY 1;

SELECT count(*) AS count, to_char(created, 'YYYY-MM') AS month, array_agg(DISTINCT plan) AS plans FROM users WHERE
created > current_date - 365 AND (plan = 'team' OR name ~ '^User [0-9]+$') GROUP BY month ORDER BY month;

SELECT b.* FROM bookings b WHERE b.at && tstzrange('2026-01-05 00:00Z', '2026-01-06 00:00Z') AND b.car = ANY
('{1,2,3,4,5,6,7,8}'::int[]) AND b.paid::text <> '' AND (b.note IS NULL OR b.note NOT LIKE '%cancelled%');

UPDATE users SET plan = 'team', name = initcap(name) WHERE id IN (SELECT driver FROM bookings WHERE paid > 200 AND
note IS NOT NULL GROUP BY driver HAVING count(*) > 2) AND plan = 'free' RETURNING id, email, name, plan, created;

UPDATE "bookings" SET "paid" = $1, "note" = $2, "car" = $3 WHERE "bookings"."id" = $4 AND "bookings"."driver" = $5
AND "bookings"."paid" IS DISTINCT FROM $6 RETURNING "bookings"."id", "bookings"."paid", "bookings"."note";

INSERT INTO bookings (driver, car, paid, note, at) VALUES (17, 4, 99.50, 'airport and back', tstzrange('2026-03-01
08:00Z', '2026-03-01 12:00Z')), (18, 5, 45.00, NULL, NULL) RETURNING id, driver, car, paid, note;

INSERT INTO totals AS t (plan, users) SELECT plan, count(*) FROM users WHERE created < now() - interval '1 hour'
GROUP BY plan ON CONFLICT (plan) DO UPDATE SET users = excluded.users WHERE t.users <> excluded.users RETURNING
t.plan;

DELETE FROM bookings b USING users u WHERE u.id = b.driver AND u.plan = 'free' AND b.paid IS NULL AND upper(b.at) <
now() - interval '90 days' AND b.note IS NULL RETURNING b.id, b.driver, b.car, u.email, u.name, u.plan;

DELETE FROM cars WHERE owner IS NULL AND seats < 3 AND id NOT IN (SELECT car FROM bookings WHERE car IS NOT NULL AND
upper(at) > now() - interval '2 years') AND plate NOT LIKE 'TEST-%' RETURNING id, plate, seats, owner;

SELECT json_build_object('id', u.id, 'name', u.name, 'cars', json_agg(json_build_object('plate', c.plate, 'seats',
c.seats) ORDER BY c.plate)) FROM users u JOIN cars c ON c.owner = u.id WHERE u.id = 42 GROUP BY u.id, u.name;
