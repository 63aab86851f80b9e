-- What a station says of its parameters: how they may be used, and whether they can be monitored. `read_only` told one of
-- three things; null is not said.
alter table station_parameter
  add column mutability text check (mutability in ('read_write', 'read_only', 'write_only')),
  add column supports_monitoring boolean;
update station_parameter set mutability = 'read_only' where read_only;
alter table station_parameter drop column read_only,
  -- decimals as texts: nothing is counted with them here
  alter column min_limit type text using trim_scale(min_limit)::text,
  alter column max_limit type text using trim_scale(max_limit)::text;

-- Which update a download is for: cancelled, its right goes.
alter table transfer add column firmware_update_id uuid references firmware_update (id) on delete cascade;
create index transfer_update on transfer (firmware_update_id);

-- Whether cards were left out because the station cannot hold them all.
alter table local_list add column truncated boolean not null default false;

-- What retention goes by.
create index log_request_updated on log_request (updated_at);
create index firmware_update_updated on firmware_update (updated_at);
create index firmware_publication_updated on firmware_publication (updated_at);
