drop index ocpp_message_station, ocpp_message_partner, event_partner, authorization_attempt_operator,
  authorization_attempt_station, session_operator, session_started, session_location, session_charge_point;
create index ocpp_message_station on ocpp_message (station_id, at desc, id desc);
create index ocpp_message_partner on ocpp_message (partner_id, at desc, id desc);
create index event_partner on event (partner_id, id desc);
create index authorization_attempt_operator on authorization_attempt (operator_id, id desc);
create index authorization_attempt_station on authorization_attempt (station_id, id desc);
create index session_operator on session (operator_id, started_at desc, id desc);
create index session_started on session (started_at desc, id desc);
create index session_location on session (location_id, started_at desc, id desc);
create index session_charge_point on session (charge_point_id, started_at desc, id desc);
alter table session reset (fillfactor);
create index event_id on event (id);
create index session_idle on session (coalesce(last_reading_at, started_at)) where state = 'active';
