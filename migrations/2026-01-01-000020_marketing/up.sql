-- How stations are offered: what the map and the apps show, and where roaming partners see them.

-- A station without a row has the defaults: payable, and everything off.
create table access_information (
  station_id uuid primary key references station (id) on delete cascade,
  partner_id uuid not null,
  location_id uuid not null,
  accessibility text not null check (accessibility in
    ('free_publicly_accessible', 'paying_publicly_accessible', 'restricted_access', 'test_station')),
  show_as_poi boolean not null,
  marketing boolean not null,
  roaming boolean not null,
  direct_payment boolean not null,
  roaming_plus text[] not null check (roaming_plus <@ '{hubject,ocpi}'),
  platform_name text,
  revision bigint not null default 1,
  updated_at timestamptz not null
);
create index access_information_location on access_information (location_id) where roaming_plus <> '{}';
create index access_information_partner on access_information (partner_id) where roaming_plus <> '{}';
call stromtor_protect('access_information', 'partner_id', 'location_id');

-- What roaming platforms are to see of a station: published, or withdrawn and why.
create table roaming_publication (
  station_id uuid not null references station (id) on delete cascade,
  platform text not null check (platform in ('hubject', 'ocpi')),
  partner_id uuid not null,
  location_id uuid not null,
  state text not null check (state in ('published', 'withdrawn')),
  reason text check (reason in ('not_ready', 'switched_off')),
  items jsonb not null default '[]',
  since timestamptz not null,
  updated_at timestamptz not null,
  primary key (station_id, platform),
  check ((state = 'withdrawn') = (reason is not null))
);
create index roaming_publication_partner on roaming_publication (partner_id, station_id);
call stromtor_protect('roaming_publication', 'partner_id', 'location_id');

-- What has changed and may have broken or mended a publication: a station, all of a location, all of a partner. Rows are only
-- ever added, so that nobody who changes a station waits for the worker or for another; the worker takes them away. It is no
-- tenant's: the triggers below add to it with the owner's rights.
create table publication_due (
  id bigint generated always as identity primary key,
  station_id uuid,
  location_id uuid,
  partner_id uuid,
  check (num_nonnulls(station_id, location_id, partner_id) = 1)
);
grant select, insert, update, delete on publication_due to stromtor_worker;

-- Whether Roaming+ is on is left to the worker, which looks after the change is committed: asked here, a change and a switch
-- that happen at once would miss each other.
create function stromtor_station_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (station_id) select c.id from changed c join was w on w.id = c.id
    where (c.partner_id, c.location_id, c.installation_status) is distinct from
      (w.partner_id, w.location_id, w.installation_status);
  return null;
end
$$;
create trigger station_publication_due after update on station
  referencing old table as was new table as changed for each statement execute function stromtor_station_due();

-- For what belongs to a station: rows that came, went, or were changed.
create function stromtor_part_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (station_id) select distinct station_id from changed;
  return null;
end
$$;
create trigger charge_point_publication_due_insert after insert on charge_point
  referencing new table as changed for each statement execute function stromtor_part_due();
create trigger charge_point_publication_due_delete after delete on charge_point
  referencing old table as changed for each statement execute function stromtor_part_due();
create trigger connector_publication_due_insert after insert on connector
  referencing new table as changed for each statement execute function stromtor_part_due();
create trigger connector_publication_due_delete after delete on connector
  referencing old table as changed for each statement execute function stromtor_part_due();
create trigger access_information_publication_due_insert after insert on access_information
  referencing new table as changed for each statement execute function stromtor_part_due();
create trigger access_information_publication_due_update after update on access_information
  referencing new table as changed for each statement execute function stromtor_part_due();

create function stromtor_charge_point_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (station_id) select distinct c.station_id from changed c join was w on w.id = c.id
    where (c.evse_id, c.authentication_types) is distinct from (w.evse_id, w.authentication_types);
  return null;
end
$$;
create trigger charge_point_publication_due_update after update on charge_point
  referencing old table as was new table as changed for each statement execute function stromtor_charge_point_due();

create function stromtor_location_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (location_id) select c.id from changed c join was w on w.id = c.id
    where (c.address, c.coordinates, c.hotline) is distinct from (w.address, w.coordinates, w.hotline);
  return null;
end
$$;
create trigger location_publication_due after update on location
  referencing old table as was new table as changed for each statement execute function stromtor_location_due();

create function stromtor_partner_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (partner_id) select c.id from changed c join was w on w.id = c.id
    where c.hotline is distinct from w.hotline;
  return null;
end
$$;
create trigger partner_publication_due after update on partner
  referencing old table as was new table as changed for each statement execute function stromtor_partner_due();
