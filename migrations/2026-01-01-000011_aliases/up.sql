-- Other spellings of a station's OCPP identity: another case, cut, misread. Whoever comes under one is this station, once its
-- credentials say so.
create table station_alias (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  ocpp_identity text not null unique,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (partner_id, station_id) references station (partner_id, id) on delete cascade deferrable
);
create index station_alias_station on station_alias (station_id, id);
call stromtor_protect('station_alias', 'partner_id', 'location_id');

-- An identity names one station, as its own or as another spelling, whoever's the stations are.
create function stromtor_one_identity() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$
begin
  if tg_op = 'UPDATE' and new.ocpp_identity = old.ocpp_identity then
    return new;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('stromtor.identity ' || new.ocpp_identity, 0));
  if (tg_table_name = 'station' and exists (select from station_alias where ocpp_identity = new.ocpp_identity))
    or (tg_table_name = 'station_alias' and exists (select from station where ocpp_identity = new.ocpp_identity)) then
    raise unique_violation using message = 'the identity is taken', table = 'station', constraint = 'station_ocpp_identity_key';
  end if;
  return new;
end
$$;
create trigger station_one_identity before insert or update of ocpp_identity on station
  for each row execute function stromtor_one_identity();
create trigger station_alias_one_identity before insert or update of ocpp_identity on station_alias
  for each row execute function stromtor_one_identity();
create or replace function stromtor_taken_identities(identities text[]) returns text[]
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select coalesce(array_agg(ocpp_identity), '{}')
    from (select ocpp_identity from station union all select ocpp_identity from station_alias) taken
    where ocpp_identity = any(identities)
  $$;

-- Other UIDs of a token: as a station reads it that cuts, pads or garbles what is on the card.
create table token_alias (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  token_id uuid not null references token (id) on delete cascade,
  uid text not null,
  uid_normalised text not null generated always as (upper(regexp_replace(uid, '[^a-zA-Z0-9]', '', 'g'))) stored,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, uid_normalised)
);
create index token_alias_uid on token_alias (uid_normalised);
create index token_alias_token on token_alias (token_id, id);
call stromtor_protect('token_alias', 'partner_id');

-- A UID in hexadecimal digits, for stations that take no other in a remote start: its own where it is so already, else seven
-- bytes that follow from it.
create function stromtor_hex_uid(uid text) returns text
  language sql immutable strict parallel safe
  as $$
    select case when n ~ '^([0-9A-F]{2}){4,10}$' then n else upper(left(md5(n), 14)) end
    from (select upper(regexp_replace(uid, '[^a-zA-Z0-9]', '', 'g')) as n) normalised
  $$;
alter table token add column hex_uid text not null generated always as (stromtor_hex_uid(uid)) stored;
create index token_hex_uid on token (hex_uid) where hex_uid <> uid_normalised;

-- The same index serves the whole UID and its beginning: stations cut.
drop index token_uid;
create index token_uid on token (uid_normalised text_pattern_ops);
