-- Files to and from stations: logs that they upload, firmware that they download. The bytes are in the object store; the
-- rows say whose they are. Rows of a station stay with the operator who had it then, so no composite keys.

-- The platform, whoever asks: its firmware images are everybody's.
create function stromtor_platform() returns uuid
  language sql stable security definer parallel safe set search_path = public, pg_temp
  as $$ select id from partner where kind = 'platform' $$;

create table log_request (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  ocpp_request_id integer not null,
  kind text not null check (kind in ('diagnostics', 'security')),
  from_at timestamptz,
  to_at timestamptz,
  retries integer,
  retry_interval_s integer,
  -- the caller's own target, without the password in it; null for ours
  upload_url text,
  state text not null check (state in ('requested', 'accepted', 'uploading', 'uploaded', 'failed', 'rejected', 'cancelled',
    'nothing_to_upload')),
  -- the station's last word
  detail text,
  -- as the station calls it
  file_name text,
  file_id uuid,
  command_id uuid references command (id) on delete set null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index log_request_station on log_request (station_id, id desc);
create index log_request_partner on log_request (partner_id, id desc);
create index log_request_command on log_request (command_id);
call stromtor_protect('log_request', 'partner_id', 'location_id');

create table station_file (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  log_request_id uuid references log_request (id) on delete set null,
  name text not null,
  content_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  -- hexadecimal
  sha256 text not null,
  -- where the bytes are in the object store
  object_key text not null,
  created_at timestamptz not null
);
create index station_file_station on station_file (station_id, id desc);
create index station_file_partner on station_file (partner_id, id desc);
create index station_file_request on station_file (log_request_id);
create index station_file_created on station_file (created_at);
call stromtor_protect('station_file', 'partner_id', 'location_id');
alter table log_request add foreign key (file_id) references station_file (id) on delete set null;
create index log_request_file on log_request (file_id);

create table firmware_image (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  version text not null,
  manufacturer_id uuid references manufacturer (id),
  -- empty for any
  model_ids uuid[] not null,
  notes text,
  -- PEM, and base64: what stations verify a signed update with
  signing_certificate text,
  signature text,
  external_id text,
  metadata jsonb not null,
  -- of the bytes; null until they were uploaded
  size_bytes bigint,
  sha256 text,
  md5 text,
  object_key text,
  uploaded_at timestamptz,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id),
  check ((signature is null) = (signing_certificate is null)),
  check ((object_key is null) = (sha256 is null) and (object_key is null) = (md5 is null)
    and (object_key is null) = (size_bytes is null))
);
create index firmware_image_updated on firmware_image (updated_at, id);
call stromtor_protect('firmware_image', 'partner_id');
-- Everybody with a scope sees the platform's images; changing them takes the platform's scope.
create policy platform_images on firmware_image for select to stromtor_request
  using (nullif(current_setting('stromtor.partner', true), '') is not null and partner_id = (select stromtor_platform()));

create table firmware_update (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  -- gone when the image is; name and version stay
  firmware_image_id uuid references firmware_image (id) on delete set null,
  name text not null,
  version text not null,
  ocpp_request_id integer not null,
  signed boolean not null,
  retrieve_at timestamptz not null,
  install_at timestamptz,
  retries integer,
  retry_interval_s integer,
  state text not null check (state in ('requested', 'accepted', 'downloading', 'downloaded', 'installing', 'installed',
    'rejected', 'failed', 'cancelled')),
  detail text,
  -- [{"at": …, "status": …}], the station's words in their order
  history jsonb not null,
  firmware_before text,
  firmware_after text,
  command_id uuid references command (id) on delete set null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index firmware_update_running on firmware_update (station_id)
  where state in ('requested', 'accepted', 'downloading', 'downloaded', 'installing');
create index firmware_update_station on firmware_update (station_id, id desc);
create index firmware_update_partner on firmware_update (partner_id, id desc);
create index firmware_update_command on firmware_update (command_id);
create index firmware_update_image on firmware_update (firmware_image_id);
call stromtor_protect('firmware_update', 'partner_id', 'location_id');

-- OCPP 2.0.1: a local controller serves an image to the stations behind it.
create table firmware_publication (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  firmware_image_id uuid references firmware_image (id) on delete set null,
  name text not null,
  version text not null,
  -- MD5, hexadecimal: what the image is called when it is taken back
  checksum text not null,
  ocpp_request_id integer not null,
  state text not null check (state in ('requested', 'accepted', 'downloading', 'downloaded', 'published', 'rejected',
    'failed', 'unpublishing', 'unpublished')),
  detail text,
  -- where the controller serves it
  locations text[] not null,
  history jsonb not null,
  command_id uuid references command (id) on delete set null,
  unpublish_command_id uuid references command (id) on delete set null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index firmware_publication_station on firmware_publication (station_id, id desc);
create index firmware_publication_partner on firmware_publication (partner_id, id desc);
create index firmware_publication_command on firmware_publication (command_id);
create index firmware_publication_unpublish on firmware_publication (unpublish_command_id);
create index firmware_publication_image on firmware_publication (firmware_image_id);
call stromtor_protect('firmware_publication', 'partner_id', 'location_id');

-- Whether a station is to fetch an image, whoever's station it is: the bytes stay then.
create function stromtor_firmware_in_use(image uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (select from firmware_update where firmware_image_id = image
        and state in ('requested', 'accepted', 'downloading', 'downloaded', 'installing'))
      or exists (select from firmware_publication where firmware_image_id = image
        and state in ('requested', 'accepted', 'downloading', 'downloaded'))
  $$;

-- The right to bring or to take one file: the secret part of a URL that a station is given.
create table transfer (
  token_hmac bytea primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id) on delete cascade,
  -- the one of the two that it is for: an upload's request, a download's image
  log_request_id uuid references log_request (id) on delete cascade,
  firmware_image_id uuid references firmware_image (id) on delete cascade,
  -- an upload has succeeded: there is no second
  used_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  check ((log_request_id is null) <> (firmware_image_id is null))
);
create index transfer_request on transfer (log_request_id);
create index transfer_image on transfer (firmware_image_id);
create index transfer_station on transfer (station_id);
create index transfer_expiry on transfer (expires_at);
call stromtor_protect('transfer', 'partner_id', 'location_id');
