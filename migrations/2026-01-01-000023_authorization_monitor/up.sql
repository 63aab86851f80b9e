-- The authorisation monitor: one row per driver from the reader to the bill.

alter table session drop constraint session_auth_source_check;
alter table session add constraint session_auth_source_check check (auth_source in ('local_rfid', 'remote', 'plug_and_charge',
  'emarketplace', 'ocpi', 'oicp', 'direct_payment', 'free', 'unknown'));

alter table authorization_attempt add column source text not null default 'local_rfid' check (source in ('local_rfid', 'remote',
  'plug_and_charge', 'emarketplace', 'ocpi', 'oicp', 'direct_payment', 'free', 'unknown'));
alter table authorization_attempt alter column source drop default;
update authorization_attempt a set source = s.auth_source from session s where s.authorization_id = a.id;

-- The lowest id (UUIDv7) of a time: a period is a range of the primary key and of every index that ends with it.
create function stromtor_first_id(at timestamptz) returns uuid language sql immutable parallel safe
  return (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- A view with its reader's rights: row-level security of the tables holds.
create view authorization_monitor with (security_invoker = true) as
select a.id, a.at, a.operator_id, a.emp_id, a.location_id, a.station_id,
  coalesce(a.charge_point_id, s.charge_point_id) as charge_point_id, a.id_tag, a.token_id, a.trigger, a.source, a.decision,
  a.reason, a.permission_id, a.emp_contract_id, a.session_id, s.number as session_number, s.started_at, s.ended_at, s.energy_wh,
  (select c.id from cdr c where c.session_id = s.id order by c.leg limit 1) as cdr_id,
  case
    when a.decision <> 'accepted' then 'refused'
    when s.id is null then 'authorized'
    when s.state = 'settled' then 'billed'
    when s.state = 'ended' then 'ended'
    when l.status in ('SuspendedEV', 'SuspendedEVSE') then 'suspended'
    when l.status = 'Charging' then 'charging'
    -- Whoever may not see the connector sees by the energy whether any flowed.
    when l.status is null and s.energy_wh > 0 then 'charging'
    else 'plugged'
  end as progress,
  case
    when a.decision <> 'accepted' then 'refused'
    when s.id is null then 'waiting'
    when s.state = 'settled' then case when exists (select from cdr c where c.session_id = s.id and c.state = 'held')
      then 'held' else 'billed' end
    when s.state = 'ended' then 'finished'
    when l.status = 'SuspendedEV' then 'suspended_ev'
    when l.status = 'SuspendedEVSE' then 'suspended_evse'
    when l.status = 'Charging' then 'charging'
    when l.status is null and s.energy_wh > 0 then 'charging'
    else 'started'
  end as status
from authorization_attempt a
left join session s on s.id = a.session_id
left join connector_live l on l.station_id = s.station_id and l.ocpp_connector_id = s.ocpp_connector_id and s.state = 'active';
grant select on authorization_monitor to stromtor_request, stromtor_worker, stromtor_ingest;
