-- The charging network. References inside the tree are composite (partner_id, id): foreign keys bypass row-level
-- security, so nothing may point at another partner's row. Changing a station's operator moves them together.

create table location (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  address jsonb not null,
  coordinates jsonb,
  time_zone text not null,
  opening_hours jsonb,
  energy_mix jsonb,
  hotline text,
  directions text,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, external_id)
);
create index location_updated on location (updated_at, id);
call stromtor_protect('location', 'partner_id', 'id');

-- The hardware catalogue belongs to the platform and is seen by all.
create table manufacturer (
  id uuid primary key,
  name text not null,
  website text,
  external_id text unique,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index manufacturer_name on manufacturer (lower(name));

create table station_model (
  id uuid primary key,
  manufacturer_id uuid not null references manufacturer (id),
  name text not null,
  platform text,
  ocpp_versions text[] not null,
  calibration_law_method text,
  known_quirks text[] not null,
  notes text,
  external_id text unique,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index station_model_name on station_model (manufacturer_id, lower(name));

grant select, insert, update, delete on manufacturer, station_model
  to stromtor_request, stromtor_ingest, stromtor_worker;

create table station (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  location_id uuid not null,
  -- the last path segment of the OCPP URL and the user of Basic authentication; unique platform-wide, exact case
  ocpp_identity text not null unique,
  name text,
  model_id uuid references station_model (id),
  serial_number text,
  installation_status text not null check (installation_status in ('planned', 'installed', 'commissioned', 'dismantled')),
  installed_on date,
  attributes jsonb not null,
  external_id text,
  metadata jsonb not null,
  -- transport settings of this one station
  ocpp_settings jsonb not null,
  password_hmac bytea,
  dismantled_at timestamptz,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, external_id),
  foreign key (partner_id, location_id) references location (partner_id, id) deferrable
);
create index station_location on station (location_id);
create index station_updated on station (updated_at, id);
call stromtor_protect('station', 'partner_id', 'location_id');

-- What the station itself reports, and its connection: outside ETag and updated_since.
create table station_live (
  station_id uuid primary key references station (id) on delete cascade,
  partner_id uuid not null,
  location_id uuid not null,
  connected boolean not null default false,
  node uuid,
  epoch bigint not null default 0,
  ocpp_version text,
  remote_address text,
  connected_at timestamptz,
  disconnected_at timestamptz,
  last_seen_at timestamptz,
  booted_at timestamptz,
  boot jsonb,
  firmware_version text,
  -- what had to be forgiven, and how often
  quirks jsonb not null default '{}',
  refused_attempts bigint not null default 0,
  last_refused_at timestamptz
);
call stromtor_protect('station_live', 'partner_id', 'location_id');
alter table station_live set (fillfactor = 70);

create table charge_point (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  -- the operator's own name of it, for example YD-9296-8
  code text not null,
  evse_id text unique,
  -- position within the station, 1 …
  evse_number integer not null check (evse_number between 1 and 999),
  current_type text not null check (current_type in ('ac', 'dc')),
  max_power_kw numeric(18, 6),
  -- of the meter that signs here; what a session was signed with is copied into its CDR
  meter_public_key text,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, external_id),
  unique (partner_id, code),
  unique (station_id, evse_number),
  foreign key (partner_id, station_id) references station (partner_id, id) deferrable
);
create index charge_point_location on charge_point (location_id);
create index charge_point_updated on charge_point (updated_at, id);
call stromtor_protect('charge_point', 'partner_id', 'location_id');

create table charge_point_live (
  charge_point_id uuid primary key references charge_point (id) on delete cascade,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  status text not null default 'unknown'
    check (status in ('unknown', 'available', 'occupied', 'charging', 'reserved', 'unavailable', 'faulted', 'offline')),
  status_at timestamptz,
  unavailable_since timestamptz,
  session_id uuid
);
create index charge_point_live_station on charge_point_live (station_id);
call stromtor_protect('charge_point_live', 'partner_id', 'location_id');
alter table charge_point_live set (fillfactor = 70);

create table connector (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  charge_point_id uuid not null,
  -- the station's own number: several may belong to one charge point (CCS + CHAdeMO)
  ocpp_connector_id integer not null check (ocpp_connector_id between 1 and 999),
  standard text not null,
  format text not null check (format in ('socket', 'cable')),
  power_type text not null check (power_type in ('ac_1_phase', 'ac_2_phase', 'ac_2_phase_split', 'ac_3_phase', 'dc')),
  max_voltage_v integer not null check (max_voltage_v > 0),
  max_current_a integer not null check (max_current_a > 0),
  max_power_kw numeric(18, 6),
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id),
  unique (station_id, ocpp_connector_id),
  foreign key (partner_id, charge_point_id) references charge_point (partner_id, id) deferrable
);
create index connector_charge_point on connector (charge_point_id);
call stromtor_protect('connector', 'partner_id', 'location_id');

-- The newest status report per connector; 0 is the station itself.
create table connector_live (
  station_id uuid not null references station (id) on delete cascade,
  ocpp_connector_id integer not null,
  partner_id uuid not null,
  location_id uuid not null,
  charge_point_id uuid,
  status text not null,
  error_code text,
  info text,
  vendor_id text,
  vendor_error_code text,
  reported_at timestamptz not null,
  received_at timestamptz not null,
  primary key (station_id, ocpp_connector_id)
);
call stromtor_protect('connector_live', 'partner_id', 'location_id');
alter table connector_live set (fillfactor = 70);

create table note (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  charge_point_id uuid,
  text text not null,
  noted_on date not null,
  author text not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- stays with the operator whose note it is when the station moves to another, so no composite key
  foreign key (station_id) references station (id) on delete cascade
);
create index note_station on note (station_id, id);
call stromtor_protect('note', 'partner_id', 'location_id');

-- Stations that tried to connect and are not known: who, from where, when, how often.
create table unknown_station (
  ocpp_identity text primary key,
  attempts bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  remote_address text not null,
  protocols text
);
create index unknown_station_seen on unknown_station (last_seen_at desc, ocpp_identity);
alter table unknown_station enable row level security;
-- Its sender cannot be trusted and no partner owns it: the platform alone sees the list; a CPO adopts by exact identity.
create policy platform_only on unknown_station to stromtor_request using ((select stromtor_sees_all()));
create policy system_all on unknown_station to stromtor_ingest, stromtor_worker using (true) with check (true);
grant select, delete on unknown_station to stromtor_request;
grant select, insert, update, delete on unknown_station to stromtor_ingest, stromtor_worker;

-- Which of these identities are taken, by whomever: an identity is unique platform-wide, and a caller with a thousand of
-- them must learn which. It says no more than the attempt to use one of them would.
create function stromtor_taken_identities(identities text[]) returns text[]
  language sql stable security definer set search_path = public, pg_temp
  as $$ select coalesce(array_agg(ocpp_identity), '{}') from station where ocpp_identity = any(identities) $$;

-- Whether an identity has tried to connect, and forgets it: what adopting needs and nothing more.
create function stromtor_adopt(identity text) returns boolean
  language sql volatile security definer set search_path = public, pg_temp
  as $$
    with gone as (delete from unknown_station where ocpp_identity = identity returning 1)
    select exists (select from gone)
  $$;
