-- Whose EVSE-IDs are whose: prefixes (country and operator, DE*ISE), numbers given out, what an EVSE-ID named and when.

-- The partners a partner stands under, itself first. Owner's rights: whoever asks need not see those above.
create function stromtor_lineage(partner uuid) returns table (id uuid, depth integer)
  language sql stable security definer parallel safe set search_path = public, pg_temp
  as $$
    with recursive up as (
      select p.id, p.parent_id, 0 as depth from partner p where p.id = $1
      union all
      select p.id, p.parent_id, up.depth + 1 from partner p join up on p.id = up.parent_id
    )
    select id, depth from up
  $$;

create table evse_prefix (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  prefix text not null unique check (prefix ~ '^[A-Z]{2}\*[A-Z0-9]{3}$'),
  first_number bigint not null check (first_number between 1 and 999999999999),
  url_pattern text,
  external_id text,
  metadata jsonb not null,
  -- the highest number given out; the row's lock makes those who want one queue
  last_number bigint not null default 0,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id)
);
call stromtor_protect('evse_prefix', 'partner_id');
-- What belongs to a partner above may be used, and so seen; changing it takes the owner's scope.
create policy from_above on evse_prefix for select to stromtor_request
  using (partner_id = any ((select array(
    select id from stromtor_lineage(nullif(current_setting('stromtor.partner', true), '')::uuid)))::uuid[]));

-- EVSE-IDs are found whatever their separators.
alter table charge_point add column evse_id_compact text generated always as (replace(evse_id, '*', '')) stored;
create index charge_point_evse_id_compact on charge_point (evse_id_compact text_pattern_ops);

-- Which charge point had an EVSE-ID, under whom and where. No foreign keys: it outlives the charge points. What stands here
-- is not given out again.
create table evse_id_history (
  id bigint generated always as identity primary key,
  evse_id text not null,
  charge_point_id uuid not null,
  station_id uuid not null,
  partner_id uuid not null,
  location_id uuid not null,
  used_from timestamptz not null,
  used_until timestamptz,
  evse_id_compact text not null generated always as (replace(evse_id, '*', '')) stored
);
create index evse_id_history_compact on evse_id_history (evse_id_compact, id desc);
create unique index evse_id_history_open on evse_id_history (charge_point_id) where used_until is null;
call stromtor_protect('evse_id_history', 'partner_id', 'location_id');
-- The triggers below write it, nobody else.
revoke insert, update, delete on evse_id_history from stromtor_request, stromtor_ingest, stromtor_worker;

insert into evse_id_history (evse_id, charge_point_id, station_id, partner_id, location_id, used_from)
  select evse_id, id, station_id, partner_id, location_id, updated_at from charge_point where evse_id is not null;

-- The time is the transaction's own, which persistence::tx puts into stromtor.now.
create function stromtor_note_evse_ids() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  at timestamptz := coalesce(nullif(current_setting('stromtor.now', true), '')::timestamptz, now());
begin
  if tg_op = 'UPDATE' then
    update evse_id_history h set used_until = at
      from old_rows o join new_rows n using (id)
      where h.charge_point_id = o.id and h.used_until is null
        and (o.evse_id, o.partner_id, o.location_id, o.station_id)
          is distinct from (n.evse_id, n.partner_id, n.location_id, n.station_id);
    insert into evse_id_history (evse_id, charge_point_id, station_id, partner_id, location_id, used_from)
      select n.evse_id, n.id, n.station_id, n.partner_id, n.location_id, at
      from new_rows n join old_rows o using (id)
      where n.evse_id is not null and (o.evse_id, o.partner_id, o.location_id, o.station_id)
        is distinct from (n.evse_id, n.partner_id, n.location_id, n.station_id);
  elsif tg_op = 'INSERT' then
    insert into evse_id_history (evse_id, charge_point_id, station_id, partner_id, location_id, used_from)
      select evse_id, id, station_id, partner_id, location_id, at from new_rows where evse_id is not null;
  else
    update evse_id_history h set used_until = at from old_rows o
      where h.charge_point_id = o.id and h.used_until is null;
  end if;
  return null;
end
$$;
create trigger charge_point_evse_id_new after insert on charge_point referencing new table as new_rows
  for each statement execute function stromtor_note_evse_ids();
create trigger charge_point_evse_id_changed after update on charge_point
  referencing old table as old_rows new table as new_rows for each statement execute function stromtor_note_evse_ids();
create trigger charge_point_evse_id_gone after delete on charge_point referencing old table as old_rows
  for each statement execute function stromtor_note_evse_ids();

-- The next free EVSE-IDs of a prefix. Whoever comes second waits for the first one's commit, so none is given out twice;
-- those that are or were in use, with whatever separators, are left out. Null when there is no such prefix.
create function stromtor_allocate_evse_ids(chosen uuid, wanted integer) returns text[]
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  begins text;
  last bigint;
  step bigint := wanted;
  missing bigint := wanted;
  found_now bigint[];
  result text[] := '{}';
begin
  update evse_prefix set last_number = greatest(last_number, first_number - 1) where id = chosen
    returning prefix || '*E', last_number into begins, last;
  if not found then
    return null;
  end if;
  while missing > 0 loop
    select coalesce(array_agg(n order by n), '{}') into found_now from (
      select n from generate_series(last + 1, last + step) n
      where not exists (select from charge_point where evse_id_compact = replace(begins, '*', '') || n)
        and not exists (select from evse_id_history where evse_id_compact = replace(begins, '*', '') || n)
      order by n limit missing
    ) free;
    select result || coalesce(array_agg(begins || n order by n), '{}') into result from unnest(found_now) n;
    missing := missing - cardinality(found_now);
    last := case when missing = 0 then found_now[cardinality(found_now)] else last + step end;
    -- A long run of numbers set by hand is passed in ever longer steps.
    step := step * 2;
  end loop;
  update evse_prefix set last_number = last where id = chosen;
  return result;
end
$$;

-- Which of these EVSE-IDs, by their place, have a prefix of a partner that does not stand above the one that wants to set
-- them by hand. Waits for whoever is giving out numbers of these prefixes, so that no number is set and given out at once.
create function stromtor_foreign_evse_ids(owners uuid[], evse_ids text[]) returns bigint[]
  language plpgsql security definer set search_path = public, pg_temp
  as $$
begin
  perform from evse_prefix where prefix = any (array(select left(e, 6) from unnest(evse_ids) e)) order by id for share;
  return (
    select coalesce(array_agg(i.place - 1 order by i.place), '{}')
    from unnest(owners, evse_ids) with ordinality i(owner, evse_id, place)
    join evse_prefix p on p.prefix = left(i.evse_id, 6)
    where not exists (select from stromtor_lineage(i.owner) l where l.id = p.partner_id)
  );
end
$$;

-- Whether charge points have EVSE-IDs with a prefix; with `outside`, those of partners that do not stand below it.
create function stromtor_evse_prefix_used(prefix text, outside uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (
      select from charge_point c where c.evse_id_compact like replace($1, '*', '') || 'E%'
        and ($2 is null or not exists (select from stromtor_lineage(c.partner_id) l where l.id = $2))
    )
  $$;
