drop index firmware_publication_updated;
drop index firmware_update_updated;
drop index log_request_updated;
alter table local_list drop column truncated;
alter table transfer drop column firmware_update_id;
alter table station_parameter add column read_only boolean not null default false;
update station_parameter set read_only = true where mutability = 'read_only';
alter table station_parameter alter column read_only drop default, drop column mutability, drop column supports_monitoring,
  alter column min_limit type numeric using min_limit::numeric, alter column max_limit type numeric using max_limit::numeric;
