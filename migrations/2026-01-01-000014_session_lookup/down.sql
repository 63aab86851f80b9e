drop index session_stopped, session_charging_token;
create index session_charging_token on session (token_id) where state = 'active';
