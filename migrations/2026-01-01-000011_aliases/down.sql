drop index token_uid;
create index token_uid on token (uid_normalised);
alter table token drop column hex_uid;
drop function stromtor_hex_uid;
create or replace function stromtor_taken_identities(identities text[]) returns text[]
  language sql stable security definer set search_path = public, pg_temp
  as $$ select coalesce(array_agg(ocpp_identity), '{}') from station where ocpp_identity = any(identities) $$;
drop trigger station_one_identity on station;
drop table token_alias, station_alias;
drop function stromtor_one_identity;
