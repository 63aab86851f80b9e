-- The message log, by day: retention drops whole partitions.
create table ocpp_message (
  id uuid not null,
  at timestamptz not null,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  kind text not null check (kind in ('call', 'result', 'error', 'invalid')),
  action text,
  message_id text,
  -- the frame as it was on the wire, secrets masked
  payload text not null,
  quirks text[] not null,
  primary key (at, id)
) partition by range (at);
create index ocpp_message_station on ocpp_message (station_id, at desc, id desc);
create index ocpp_message_partner on ocpp_message (partner_id, at desc, id desc);
create table ocpp_message_default partition of ocpp_message default;
call stromtor_protect('ocpp_message', 'partner_id', 'location_id');

-- Makes the partitions of `days` days from `first` on. Rows that fell into the default partition meanwhile stay there.
create function stromtor_make_partitions(first date, days integer) returns integer
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  day date;
  made integer := 0;
begin
  for day in select generate_series(first, first + days - 1, interval '1 day')::date loop
    if to_regclass(format('ocpp_message_%s', to_char(day, 'YYYYMMDD'))) is null
       and not exists (select from only ocpp_message_default where at >= day::timestamp at time zone 'UTC'
                       and at < (day + 1)::timestamp at time zone 'UTC') then
      execute format('create table ocpp_message_%s partition of ocpp_message for values from (%L) to (%L)',
        to_char(day, 'YYYYMMDD'), day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;

-- Drops the partitions of days before `first_kept`.
create function stromtor_drop_partitions(first_kept date) returns integer
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  old record;
  dropped integer := 0;
begin
  for old in
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'ocpp_message'::regclass
  loop
    if old.name ~ '^ocpp_message_\d{8}$' and to_date(right(old.name, 8), 'YYYYMMDD') < first_kept then
      execute format('drop table %s', old.name);
      dropped := dropped + 1;
    end if;
  end loop;
  delete from ocpp_message_default where at < first_kept::timestamp at time zone 'UTC';
  return dropped;
end
$$;
revoke execute on function stromtor_make_partitions, stromtor_drop_partitions from public;
grant execute on function stromtor_make_partitions, stromtor_drop_partitions to stromtor_worker;

-- Reports of stations that could not be used: a fault of ours, or numbers beyond every range. They were answered, for a
-- station repeats for ever what is not, and are kept here whole for repair.
create table failed_report (
  id uuid primary key,
  at timestamptz not null,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null,
  report jsonb not null,
  error text not null
);
create index failed_report_partner on failed_report (partner_id, id desc);
call stromtor_protect('failed_report', 'partner_id', 'location_id');

create table command (
  id uuid primary key,
  partner_id uuid not null,
  location_id uuid not null,
  station_id uuid not null references station (id),
  -- the typed command's name, or 'ocpp_call'
  kind text not null,
  action text not null,
  -- secrets masked
  payload jsonb not null,
  -- the payload with its secrets, only until it was sent
  secret_payload jsonb,
  state text not null check (state in ('queued', 'sent', 'accepted', 'rejected', 'failed', 'timed_out')),
  response jsonb,
  error text,
  created_by text not null,
  expires_at timestamptz not null,
  sent_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index command_station on command (station_id, id desc);
create index command_partner on command (partner_id, id desc);
create index command_open on command (expires_at) where state in ('queued', 'sent');
call stromtor_protect('command', 'partner_id', 'location_id');
