-- Side effects are rows, written with the change that causes them.

-- Every domain event. Streams read it live; subscribers get deliveries.
create table event (
  id uuid primary key,
  at timestamptz not null,
  type text not null,
  partner_id uuid not null,
  location_id uuid,
  station_id uuid,
  resource_id uuid not null,
  data jsonb not null
);
create index event_partner on event (partner_id, id desc);
create index event_id on event (id);
call stromtor_protect('event', 'partner_id', 'location_id');

-- One thing to be brought to one subscriber. Only the head of a (subscriber, key) is claimed: order per key holds.
create table delivery (
  id uuid primary key,
  partner_id uuid not null,
  -- 'mail' today; webhooks, OCPI and OICP peers later
  subscriber text not null,
  key text not null,
  sequence bigint generated always as identity,
  payload jsonb not null,
  state text not null check (state in ('pending', 'done', 'dead')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  locked_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index delivery_head on delivery (subscriber, key, sequence) where state = 'pending';
create index delivery_due on delivery (next_attempt_at) where state = 'pending';
create index delivery_state on delivery (partner_id, state, id desc);
call stromtor_protect('delivery', 'partner_id');

-- Work to be done once, later, by any worker. `unique_key` makes asking twice the same as once.
create table job (
  id uuid primary key,
  partner_id uuid not null,
  kind text not null,
  unique_key text,
  payload jsonb not null,
  state text not null check (state in ('pending', 'done', 'dead')),
  attempts integer not null default 0,
  run_at timestamptz not null,
  locked_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index job_due on job (run_at) where state = 'pending';
create index job_state on job (partner_id, state, id desc);
create unique index job_unique on job (kind, unique_key) where state = 'pending' and unique_key is not null;
call stromtor_protect('job', 'partner_id');
