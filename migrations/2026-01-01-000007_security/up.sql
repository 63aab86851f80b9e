-- OCPP security profiles, passwords that change over OCPP, and stations' certificates.

alter table station
  -- the least profile that its connections must have; goes up by itself, never down
  add column security_profile smallint not null default 0 check (security_profile between 0 and 3),
  -- the password that is on its way to the station; counts beside the old one until the station uses it
  add column next_password_hmac bytea,
  add column next_password_command_id uuid;

-- That of the newest connection.
alter table station_live add column security_profile smallint;

-- Certificates that stations asked for (SignCertificate), and what became of them.
create table certificate_request (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  certificate_type text not null check (certificate_type in ('charging_station', 'v2g')),
  csr text not null,
  state text not null check (state in ('pending', 'signed', 'sent', 'accepted', 'rejected', 'failed')),
  error text,
  certificate_chain text,
  serial_number text,
  valid_until timestamptz,
  -- the command that brings it to the station
  command_id uuid,
  expiry_noted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index certificate_request_station on certificate_request (station_id, id desc);
create index certificate_request_partner on certificate_request (partner_id, id desc);
create index certificate_request_command on certificate_request (command_id);
create index certificate_request_ending on certificate_request (valid_until)
  where state = 'accepted' and expiry_noted_at is null;
call stromtor_protect('certificate_request', 'partner_id', 'location_id');

-- Root certificates that a station said it holds (GetInstalledCertificateIds).
create table station_certificate (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id) on delete cascade,
  certificate_type text not null
    check (certificate_type in ('central_system_root', 'manufacturer_root', 'v2g_root', 'mo_root', 'v2g_chain')),
  hash_algorithm text not null,
  issuer_name_hash text not null,
  issuer_key_hash text not null,
  serial_number text not null,
  seen_at timestamptz not null,
  created_at timestamptz not null,
  unique (station_id, certificate_type, hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number)
);
create index station_certificate_partner on station_certificate (partner_id, id desc);
call stromtor_protect('station_certificate', 'partner_id', 'location_id');
