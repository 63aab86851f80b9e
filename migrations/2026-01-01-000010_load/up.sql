-- What costs time under load and helps nobody.

-- Every meter value moved last_reading_at, and with it a whole row's index entries; running sessions are few enough to be
-- looked through (session_active).
drop index session_idle;
-- The primary key is the same.
drop index event_id;
-- Room in the page for a running session's readings: its row is changed in place then.
alter table session set (fillfactor = 75);
-- Ascending where time only goes on: new entries are the last ones of their group, pages fill up instead of being halved, and
-- a list that begins with the newest reads them backwards.
drop index ocpp_message_station, ocpp_message_partner, event_partner, authorization_attempt_operator,
  authorization_attempt_station, session_operator, session_started, session_location, session_charge_point;
create index ocpp_message_station on ocpp_message (station_id, at, id);
create index ocpp_message_partner on ocpp_message (partner_id, at, id);
create index event_partner on event (partner_id, id);
create index authorization_attempt_operator on authorization_attempt (operator_id, id);
create index authorization_attempt_station on authorization_attempt (station_id, id);
create index session_operator on session (operator_id, started_at, id);
create index session_started on session (started_at, id);
create index session_location on session (location_id, started_at, id);
create index session_charge_point on session (charge_point_id, started_at, id);
