-- A stop or a late reading looks for what ended at its station lately, among all that the station ever had.
create index session_stopped on session (station_id, stop_reported_at, meter_stop_wh) where stop_reported_at is not null;
-- With a condition that only a search by token meets: nobody else is to read through it because it is small.
drop index session_charging_token;
create index session_charging_token on session (token_id) where state = 'active' and token_id is not null;
