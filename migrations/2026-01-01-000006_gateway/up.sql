-- What the gateway keeps of stations beyond charging: the same tables for OCPP 1.6 and 2.x.

-- A transaction that the station numbers itself (OCPP 2.x) has its id in session.start_key: 'tx|<id>'.
-- False until the first reading says what the register showed at start: OCPP 2.x may send it later.
alter table session add column meter_start_known boolean not null default true;
-- What the car does: Charging, EVConnected, SuspendedEV, SuspendedEVSE, Idle (OCPP 2.0.1 ChargingStateEnumType).
alter table session add column charging_state text;
create index session_idle on session (coalesce(last_reading_at, started_at)) where state = 'active';

-- The version a command was translated for; it is not sent over another.
alter table command add column ocpp_version text not null default 'ocpp1.6';
-- The typed command as given, where there is one.
alter table command add column input jsonb;

-- Numbers that stations answer by: remote starts, requests, reservations, charging profiles. Never reused.
create sequence ocpp_request_id as integer minvalue 1;
grant usage on sequence ocpp_request_id to stromtor_request, stromtor_ingest, stromtor_worker;

-- One row for each boot.
create table station_boot (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  at timestamptz not null,
  ocpp_version text not null,
  reason text,
  boot jsonb not null
);
create index station_boot_station on station_boot (station_id, id desc);
create index station_boot_partner on station_boot (partner_id, id desc);
call stromtor_protect('station_boot', 'partner_id', 'location_id');

-- One row for each connection.
create table station_connection (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  epoch bigint not null,
  node uuid not null,
  ocpp_version text not null,
  remote_address text not null,
  connected_at timestamptz not null,
  disconnected_at timestamptz,
  -- why it ended, as this side saw it
  reason text,
  unique (station_id, epoch)
);
create index station_connection_partner on station_connection (partner_id, id desc);
create index station_connection_station on station_connection (station_id, id desc);
call stromtor_protect('station_connection', 'partner_id', 'location_id');

create table security_event (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  type text not null,
  critical boolean not null,
  tech_info text,
  at timestamptz not null,
  received_at timestamptz not null
);
create index security_event_station on security_event (station_id, id desc);
create index security_event_partner on security_event (partner_id, id desc);
call stromtor_protect('security_event', 'partner_id', 'location_id');

-- What monitors on the station report (OCPP 2.0.1 NotifyEvent).
create table monitoring_event (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  -- the station's own number; a repetition of one is the same event
  event_id bigint not null,
  at timestamptz not null,
  received_at timestamptz not null,
  trigger text not null,
  component text not null,
  variable text not null,
  actual_value text not null,
  cleared boolean,
  monitoring_id bigint,
  transaction_ref text,
  notification_type text,
  tech_code text,
  tech_info text,
  unique (station_id, event_id, at)
);
create index monitoring_event_station on monitoring_event (station_id, id desc);
create index monitoring_event_partner on monitoring_event (partner_id, id desc);
call stromtor_protect('monitoring_event', 'partner_id', 'location_id');

-- Configuration keys of OCPP 1.6 and variables of OCPP 2.x, as the station last said.
create table station_parameter (
  station_id uuid not null references station (id) on delete cascade,
  -- key, or component/variable
  name text not null,
  -- Actual, Target, MinSet, MaxSet; Actual for 1.6
  attribute text not null,
  partner_id uuid not null,
  location_id uuid not null,
  -- secrets masked
  value text,
  read_only boolean not null,
  data_type text,
  unit text,
  min_limit numeric,
  max_limit numeric,
  values_list text,
  -- it was set, and counts after the next restart
  reboot_required boolean not null default false,
  reported_at timestamptz not null,
  primary key (station_id, name, attribute)
);
create index station_parameter_partner on station_parameter (partner_id, name);
call stromtor_protect('station_parameter', 'partner_id', 'location_id');

-- A named set of parameters.
create table parameter_template (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  description text,
  model_id uuid references station_model (id),
  parameters jsonb not null,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, name),
  unique (partner_id, external_id)
);
call stromtor_protect('parameter_template', 'partner_id');

-- Reports that a station sends in parts: device model, monitors, charging profiles, display messages, customer data.
create table station_report (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  kind text not null,
  request_id integer not null,
  -- parts by their number
  parts jsonb not null,
  -- number of the last part, once it came
  last_part integer,
  complete boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (station_id, kind, request_id)
);
create index station_report_partner on station_report (partner_id, id desc);
create index station_report_station on station_report (station_id, id desc);
call stromtor_protect('station_report', 'partner_id', 'location_id');

create table reservation (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  ocpp_connector_id integer not null,
  -- the number the station knows it by
  ocpp_reservation_id integer not null unique,
  token_uid text not null,
  group_id text,
  expires_at timestamptz not null,
  state text not null check (state in ('requested', 'active', 'rejected', 'used', 'cancelled', 'expired', 'removed')),
  -- the station's word, for example Occupied
  detail text,
  session_id uuid,
  command_id uuid,
  external_id text,
  metadata jsonb not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id)
);
create index reservation_station on reservation (station_id, id desc);
create index reservation_partner on reservation (partner_id, id desc);
create index reservation_open on reservation (expires_at) where state in ('requested', 'active');
call stromtor_protect('reservation', 'partner_id', 'location_id');

create table charging_profile (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  ocpp_connector_id integer not null,
  ocpp_profile_id integer not null unique,
  purpose text not null,
  stack_level integer not null,
  kind text not null,
  recurrency text,
  valid_from timestamptz,
  valid_to timestamptz,
  session_id uuid,
  schedule jsonb not null,
  state text not null check (state in ('requested', 'active', 'rejected', 'clearing', 'cleared')),
  detail text,
  command_id uuid,
  external_id text,
  metadata jsonb not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id)
);
create index charging_profile_station on charging_profile (station_id, id desc);
create index charging_profile_partner on charging_profile (partner_id, id desc);
call stromtor_protect('charging_profile', 'partner_id', 'location_id');

-- What a car needs (NotifyEVChargingNeeds), what it plans (NotifyEVChargingSchedule), what an external system limits
-- (NotifyChargingLimit): the newest of each.
create table charging_notice (
  station_id uuid not null references station (id) on delete cascade,
  evse integer not null,
  kind text not null check (kind in ('needs', 'schedule', 'limit')),
  -- EMS, CSO …; '' where there is none
  source text not null,
  partner_id uuid not null,
  location_id uuid not null,
  content jsonb not null,
  received_at timestamptz not null,
  primary key (station_id, evse, kind, source)
);
call stromtor_protect('charging_notice', 'partner_id', 'location_id');

-- The local authorisation list of a station: what it acknowledged, and what it should hold.
create table local_list (
  station_id uuid primary key references station (id) on delete cascade,
  partner_id uuid not null,
  location_id uuid not null,
  enabled boolean not null default false,
  -- version that the station acknowledged; null when it is not known
  version integer,
  -- what it holds at that version: {"<uid>": {"status", "expires_at", "group"}}
  entries jsonb not null default '{}',
  -- on its way
  sent_version integer,
  sent_entries jsonb,
  command_id uuid,
  state text not null default 'unknown'
    check (state in ('unknown', 'in_step', 'sending', 'out_of_step', 'not_supported', 'failed')),
  detail text,
  -- looked at again from here on
  due_at timestamptz,
  synced_at timestamptz,
  updated_at timestamptz not null
);
create index local_list_due on local_list (due_at) where enabled and due_at is not null;
call stromtor_protect('local_list', 'partner_id', 'location_id');

-- Processes that hold connections. One that is no longer seen has lost them.
create table node (
  id uuid primary key,
  seen_at timestamptz not null
);
grant select, insert, update, delete on node to stromtor_ingest, stromtor_worker;
