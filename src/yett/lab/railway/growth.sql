-- Another stretch of business, customers :first to :last and what they did. Same numbers, same rows: a hash can be kept.

insert into customers (email, name, phone, born, preferences, licence, created_at)
select 'c' || n || '@example.org',
       (array['Ana García', 'Łukasz Żak', '王小明', 'O''Brien \ Söhne', E'tab\there', 'محمد', '👩🏽‍🚀 Zoë'])[1 + n % 7] || ' ' || n,
       case when n % 5 > 0 then '+49 30 ' || lpad((n * 7919 % 1000000)::text, 6, '0') end,
       case when n % 3 > 0 then date '1950-01-01' + (n * 37 % 20000) end,
       case n % 4 when 0 then '{}'::jsonb
                  when 1 then jsonb_build_object('seat', n % 3, 'nested', jsonb_build_array(null, true, n / 3.0))
                  else '{"text": "line\nbreak \u00e9 \\ \"", "empty": {}}'::jsonb end,
       case when n % 2 > 0 then decode(md5(n::text), 'hex') || '\x00ff00'::bytea end,
       timestamptz '2025-01-01 00:00:00+00' + make_interval(hours => n)
from generate_series(:first, :last) n;

insert into bookings (customer_id, state, period, note, total, created_at)
select c.id,
       (enum_range(null::booking_state))[1 + (c.id * k % 5)::int],
       tstzrange(c.created_at + make_interval(days => 3 * k), case when c.id % 11 > 0 then c.created_at + make_interval(days => 3 * k + 2) end),
       case (c.id + k) % 4 when 0 then null when 1 then '' when 2 then E'two\nlines\\N' else 'ünï©ode ✓ ; -- ''' end,
       case when c.id % 13 > 0 then ((c.id * 17 + k * 3) % 90000)::numeric / 100 end,
       c.created_at + make_interval(mins => k)
from customers c, generate_series(1, 3) k
where c.id between :first and :last
order by c.id, k;

insert into payments (id, booking_id, amount, currency, provider_reference, metadata, paid_at)
select md5('payment ' || b.id)::uuid, b.id, coalesce(b.total, 0) + 0.000001, (array['EUR', 'CHF', 'CZK'])[1 + (b.id % 3)::int],
       case when b.id % 10 > 0 then 'pi_' || md5(b.id::text) end,
       case when b.id % 7 = 0 then 'null'::jsonb when b.id % 7 = 1 then null else jsonb_build_object('try', b.id % 3) end,
       case when b.id % 8 > 0 then b.created_at + interval '1 hour' end
from bookings b
where b.customer_id between :first and :last and b.state <> 'cancelled'
order by b.id;

insert into vehicle_assignments (booking_id, vehicle_id, handed_over_at, damage_points)
select b.id, 1 + (b.id % 120)::int,
       case when b.state in ('picked_up', 'returned') then lower(b.period) end,
       case when b.id % 9 = 0 then array[point(0.5, 1.5), point(-3, 2)] end
from bookings b
where b.customer_id between :first and :last and b.state not in ('requested', 'cancelled')
order by b.id;

select setval('invoice_numbers', 20260001 + 7 * :last);
