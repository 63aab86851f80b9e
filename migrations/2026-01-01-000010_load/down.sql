alter table session reset (fillfactor);
create index event_id on event (id);
create index session_idle on session (coalesce(last_reading_at, started_at)) where state = 'active';
