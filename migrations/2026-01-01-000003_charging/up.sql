-- Access, tariffs, sessions, charge detail records.

create table token (
  id uuid primary key,
  -- who issued it and stands for its driver: a CPO or an EMP
  partner_id uuid not null references partner (id),
  kind text not null check (kind in ('rfid', 'emaid')),
  -- as given by the caller
  uid text not null,
  -- upper case without separators: what is compared (domain::access::decide::normalise_uid)
  uid_normalised text not null generated always as (upper(regexp_replace(uid, '[^a-zA-Z0-9]', '', 'g'))) stored,
  label text,
  status text not null check (status in ('active', 'blocked')),
  valid_from timestamptz,
  valid_until timestamptz,
  -- parentIdTag of OCPP: tokens of one group may end each other's sessions
  group_id text,
  erased_at timestamptz,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, uid_normalised),
  unique (partner_id, external_id)
);
create index token_uid on token (uid_normalised);
create index token_updated on token (updated_at, id);
call stromtor_protect('token', 'partner_id');

create table authorization_attempt (
  id uuid primary key,
  at timestamptz not null,
  operator_id uuid not null,
  emp_id uuid,
  location_id uuid not null,
  station_id uuid not null,
  charge_point_id uuid,
  id_tag text not null,
  token_id uuid,
  -- what asked: the station before a session, the station at its start, a remote start
  trigger text not null check (trigger in ('authorize', 'start', 'remote_start')),
  decision text not null check (decision in ('accepted', 'blocked', 'expired', 'invalid', 'concurrent_tx')),
  -- the rule that decided
  reason text not null,
  session_id uuid
);
create index authorization_attempt_operator on authorization_attempt (operator_id, id desc);
create index authorization_attempt_emp on authorization_attempt (emp_id, id desc) where emp_id is not null;
create index authorization_attempt_tag on authorization_attempt (id_tag);
create index authorization_attempt_station on authorization_attempt (station_id, id desc);
call stromtor_protect('authorization_attempt', 'operator_id', 'emp_id', 'location_id');

create table tariff (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  code text not null,
  currency text not null,
  ac jsonb,
  dc jsonb,
  -- the version that these prices are
  version integer not null,
  version_id uuid not null,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, code),
  unique (partner_id, external_id)
);
create index tariff_updated on tariff (updated_at, id);
call stromtor_protect('tariff', 'partner_id');

-- Prices never change once written: a change of a tariff is a new version, and a session keeps the one it began with.
create table tariff_version (
  id uuid primary key,
  partner_id uuid not null,
  tariff_id uuid not null,
  version integer not null,
  name text not null,
  code text not null,
  currency text not null,
  ac jsonb,
  dc jsonb,
  created_at timestamptz not null,
  unique (tariff_id, version),
  foreign key (partner_id, tariff_id) references tariff (partner_id, id) on delete cascade
);
call stromtor_protect('tariff_version', 'partner_id');
revoke update on tariff_version from stromtor_request, stromtor_ingest, stromtor_worker;

create table tariff_assignment (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  charge_point_id uuid not null,
  tariff_id uuid not null,
  valid_from timestamptz not null,
  cancelled_at timestamptz,
  created_at timestamptz not null,
  -- a moved charge point leaves its assignments behind as history, so no composite key here
  foreign key (partner_id, tariff_id) references tariff (partner_id, id)
);
create unique index tariff_assignment_from on tariff_assignment (charge_point_id, valid_from) where cancelled_at is null;
create index tariff_assignment_tariff on tariff_assignment (tariff_id);
call stromtor_protect('tariff_assignment', 'partner_id', 'location_id');

-- Positive 31-bit numbers for stations (OCPP 1.6 transactionId), never reused.
create sequence ocpp_transaction_id as integer minvalue 1;
-- The running number of a session, shown with 12 digits.
create sequence session_number as bigint minvalue 1 maxvalue 999999999999;
grant usage on sequence ocpp_transaction_id, session_number to stromtor_request, stromtor_ingest, stromtor_worker;

create table session (
  id uuid primary key,
  number bigint not null unique default nextval('session_number'),
  operator_id uuid not null,
  emp_id uuid,
  location_id uuid not null,
  station_id uuid not null,
  charge_point_id uuid,
  ocpp_connector_id integer not null,
  ocpp_transaction_id integer not null unique default nextval('ocpp_transaction_id'),
  -- what makes a repeated StartTransaction the same one: connector, tag, time and register as sent
  start_key text not null,
  id_tag text,
  token_id uuid,
  authorization_id uuid,
  auth_source text not null check (auth_source in ('local_rfid', 'remote', 'plug_and_charge', 'unknown')),
  state text not null check (state in ('active', 'ended', 'settled')),
  -- its start was never reported, or its stop named a transaction nobody knew
  orphan boolean not null default false,
  started_at timestamptz not null,
  ended_at timestamptz,
  meter_start_wh numeric(18, 6) not null,
  meter_stop_wh numeric(18, 6),
  energy_wh numeric(18, 6) not null default 0,
  power_w numeric(18, 6),
  state_of_charge numeric(5, 2),
  last_reading_at timestamptz,
  stop_reason text,
  -- when its end was reported, by our clock
  stop_reported_at timestamptz,
  tariff_version_id uuid references tariff_version (id),
  -- what was doubtful in the station's reports
  findings jsonb not null default '[]',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (station_id, start_key)
);
create index session_operator on session (operator_id, started_at desc, id desc);
create index session_emp on session (emp_id, started_at desc, id desc) where emp_id is not null;
create index session_started on session (started_at desc, id desc);
create index session_location on session (location_id, started_at desc, id desc);
create index session_charge_point on session (charge_point_id, started_at desc, id desc);
create index session_active on session (station_id, ocpp_connector_id) where state = 'active';
create index session_charging_token on session (token_id) where state = 'active';
create index session_tag on session (id_tag) where id_tag is not null;
create index session_updated on session (updated_at, id);
call stromtor_protect('session', 'operator_id', 'emp_id', 'location_id');

-- Readings as the station sent them: one row per time of reading, idempotent by content.
create table session_reading (
  station_id uuid not null,
  fingerprint uuid not null,
  session_id uuid,
  operator_id uuid not null,
  emp_id uuid,
  ocpp_connector_id integer not null,
  at timestamptz not null,
  received_at timestamptz not null,
  samples jsonb not null,
  -- whether a sample carries signed data, which the settlement needs whole
  signed boolean not null,
  primary key (station_id, fingerprint)
);
create index session_reading_session on session_reading (session_id, at, fingerprint);
call stromtor_protect('session_reading', 'operator_id', 'emp_id');

create table cdr (
  id uuid primary key,
  session_id uuid not null references session (id),
  session_number bigint not null,
  -- 1: operator to platform, 2: platform to provider; a correction adds legs of its own
  leg integer not null,
  seller_id uuid not null,
  buyer_id uuid not null,
  operator_id uuid not null,
  emp_id uuid,
  location_id uuid not null,
  station_id uuid not null,
  charge_point_id uuid,
  id_tag text,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  duration_s bigint not null,
  energy_kwh numeric(18, 6) not null,
  current_type text not null check (current_type in ('ac', 'dc')),
  country text not null,
  tariff_version_id uuid,
  currency text not null,
  -- the tariff as it was, every component, VAT per rate
  rating jsonb not null,
  total_net numeric(18, 4) not null,
  total_vat numeric(18, 2) not null,
  total_gross numeric(18, 2) not null,
  state text not null check (state in ('final', 'held')),
  held_reason text,
  measurement jsonb not null,
  corrects_cdr_id uuid references cdr (id),
  created_at timestamptz not null,
  unique (session_id, leg)
);
create index cdr_tag on cdr (id_tag) where id_tag is not null;
create index cdr_seller on cdr (seller_id, started_at desc, id desc);
create index cdr_buyer on cdr (buyer_id, started_at desc, id desc);
create index cdr_started on cdr (started_at desc, id desc);
create index cdr_created on cdr (created_at, id);
call stromtor_protect('cdr', 'seller_id', 'buyer_id', 'location_id');
-- Immutable: a correction is another leg. Erasure of a person's data clears id_tag alone.
revoke update, delete on cdr from stromtor_request, stromtor_ingest, stromtor_worker;
grant update (id_tag) on cdr to stromtor_request, stromtor_worker;
