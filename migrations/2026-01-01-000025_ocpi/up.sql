-- OCPI: whom we speak for, whom we are connected to, whose tokens they sent.

create table ocpi_party (
  id uuid primary key,
  -- the operator that it stands for
  partner_id uuid not null unique references partner (id),
  country_code text not null check (country_code ~ '^[A-Z]{2}$'),
  party_id text not null check (party_id ~ '^[A-Z0-9]{3}$'),
  name text,
  website text,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (country_code, party_id)
);
call stromtor_protect('ocpi_party', 'partner_id');

create table ocpi_peer (
  id uuid primary key,
  -- it is connected to this partner and those below it
  partner_id uuid not null references partner (id),
  name text not null,
  enabled boolean not null,
  token_in_base64 boolean not null,
  external_id text,
  metadata jsonb not null,
  state text not null default 'new' check (state in ('new', 'registered', 'ended')),
  -- what it calls us with: a fingerprint to find it by, and sealed, for GET credentials returns it
  token_in_hmac bytea unique,
  token_in bytea,
  -- what we call it with, sealed
  token_out bytea,
  versions_url text,
  version text,
  endpoints jsonb not null default '[]',
  roles jsonb not null default '[]',
  registered_at timestamptz,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id),
  check (state <> 'registered' or num_nulls(token_in_hmac, token_in, token_out, versions_url, version, registered_at) = 0)
);
call stromtor_protect('ocpi_peer', 'partner_id');

-- A provider that a peer speaks for: a business partner of ours like any other, so that its drivers' sessions and CDRs are its own.
create table ocpi_provider (
  peer_id uuid not null references ocpi_peer (id) on delete cascade,
  partner_id uuid not null,
  country_code text not null,
  party_id text not null,
  emp_id uuid not null references partner (id),
  primary key (peer_id, country_code, party_id)
);
call stromtor_protect('ocpi_provider', 'partner_id');

-- What peers told of their tokens, as they told it; cards among them are tokens of ours besides.
create table ocpi_token (
  peer_id uuid not null references ocpi_peer (id) on delete cascade,
  partner_id uuid not null,
  country_code text not null,
  party_id text not null,
  -- in lower case: case does not matter to OCPI
  uid text not null,
  kind text not null check (kind in ('AD_HOC_USER', 'APP_USER', 'OTHER', 'RFID')),
  whitelist text not null check (whitelist in ('ALWAYS', 'ALLOWED', 'ALLOWED_OFFLINE', 'NEVER')),
  object jsonb not null,
  last_updated timestamptz not null,
  token_id uuid references token (id) on delete set null,
  updated_at timestamptz not null,
  primary key (peer_id, country_code, party_id, uid, kind)
);
create index ocpi_token_token on ocpi_token (token_id) where token_id is not null;
call stromtor_protect('ocpi_token', 'partner_id');

-- What went over the wire between peers and us. Bodies are cut, tokens masked.
create table ocpi_message (
  id uuid primary key,
  at timestamptz not null,
  partner_id uuid not null,
  peer_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  method text not null,
  url text not null,
  module text,
  request_id text,
  correlation_id text,
  request text,
  status int,
  ocpi_status int,
  response text,
  took_ms int not null,
  error text
);
create index ocpi_message_peer on ocpi_message (peer_id, id);
create index ocpi_message_partner on ocpi_message (partner_id, id);
call stromtor_protect('ocpi_message', 'partner_id');

-- What peers see of a location is looked for by the location.
create index connector_location on connector (location_id);
create index charge_point_live_location on charge_point_live (location_id);
create index roaming_publication_location on roaming_publication (location_id) where platform = 'ocpi';
create index tariff_assignment_location on tariff_assignment (location_id) where cancelled_at is null;

-- The locations that the peers of a partner see: of its and its subtree's parties, with a station that is published over OCPI or
-- was. Each with when it or anything of it last changed.
create function stromtor_ocpi_locations(partner uuid, at timestamptz)
  returns table (id uuid, partner_id uuid, last_updated timestamptz)
  language sql stable set search_path = public, pg_temp
  as $$
    with recursive down as (
      select p.id from partner p where p.id = $1
      union all
      select p.id from partner p join down on p.parent_id = down.id
    )
    select l.id, l.partner_id, greatest(l.updated_at, o.updated_at,
      (select max(p.updated_at) from roaming_publication p where p.location_id = l.id and p.platform = 'ocpi'),
      (select max(c.updated_at) from charge_point c where c.location_id = l.id),
      (select max(k.updated_at) from connector k where k.location_id = l.id),
      (select max(v.status_at) from charge_point_live v where v.location_id = l.id),
      (select max(a.valid_from) from tariff_assignment a where a.location_id = l.id and a.cancelled_at is null and a.valid_from <= $2))
    from down join ocpi_party o on o.partner_id = down.id join location l on l.partner_id = down.id
    where exists (select from roaming_publication p where p.location_id = l.id and p.platform = 'ocpi')
  $$;
