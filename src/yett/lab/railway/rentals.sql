-- The database of the car-rental service: what the incident loses. Odd on purpose: a restore must bring all of it back.

create type booking_state as enum ('requested', 'confirmed', 'picked_up', 'returned', 'cancelled');

create table customers (
    id bigint generated always as identity primary key,
    email text not null unique,
    name text not null,
    phone text,
    born date,
    preferences jsonb not null default '{}',
    licence bytea,
    created_at timestamptz not null default now()
);

create table vehicles (
    id serial primary key,
    plate text not null unique,
    model text not null,
    tags text[] not null default '{}',
    daily_rate numeric(12, 4) not null check (daily_rate >= 0),
    odometer_km double precision,
    weekly_rate numeric generated always as (daily_rate * 7 * 0.9) stored,
    acquired date
);

create table bookings (
    id bigserial primary key,
    customer_id bigint not null references customers (id),
    state booking_state not null default 'requested',
    period tstzrange not null,
    note text,
    total numeric(14, 2),
    created_at timestamptz not null default now(),
    changed_at timestamptz
);

create table payments (
    id uuid primary key default gen_random_uuid(),
    booking_id bigint not null references bookings (id) on delete cascade,
    amount numeric(20, 6) not null,
    currency char(3) not null default 'EUR',
    provider_reference text,
    metadata jsonb,
    paid_at timestamptz
);

create table vehicle_assignments (
    booking_id bigint not null references bookings (id) on delete cascade,
    vehicle_id integer not null references vehicles (id),
    handed_over_at timestamptz,
    damage_points point[],
    primary key (booking_id, vehicle_id)
);

create index bookings_by_customer on bookings (customer_id, created_at desc);
create index payments_open on payments (booking_id) where paid_at is null;
create sequence invoice_numbers start 20260001 increment 7;

create function touch_booking() returns trigger language plpgsql as $$
begin
    new.changed_at := timestamptz '2026-04-01 00:00:00+00' + make_interval(mins => new.id::int);
    return new;
end
$$;
create trigger booking_changed before insert or update on bookings for each row execute function touch_booking();

create view open_bookings as
    select b.id, c.name as customer, b.period, b.total
    from bookings b join customers c on c.id = b.customer_id
    where b.state in ('requested', 'confirmed');

comment on table payments is 'Money that came in. Never delete.';

insert into vehicles (plate, model, tags, daily_rate, odometer_km, acquired)
select 'B-PO ' || (1000 + n),
       (array['Škoda Octavia', 'VW ID.3', 'Fiat 500', 'Citroën ë-C4', 'Tesla Model 3'])[1 + n % 5],
       case n % 4 when 0 then '{}'::text[] when 1 then array['electric', null] else array['a "quoted", tag', 'größe=M'] end,
       (19.9999 + n * 1.0301)::numeric(12, 4),
       case n % 9 when 0 then null when 1 then 'NaN' when 2 then 'Infinity' else n * 1234.5678901 end,
       case when n % 6 > 0 then date '2019-01-01' + n * 11 end
from generate_series(1, 120) n;
