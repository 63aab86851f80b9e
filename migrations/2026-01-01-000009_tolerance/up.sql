-- How stations that depart from the specification are treated: of a manufacturer, of a model, of one station. What is absent
-- is taken from the next in this order: station, model, manufacturer, the specification.
alter table manufacturer add column tolerances jsonb not null default '{}';
alter table station_model add column tolerances jsonb not null default '{}';
alter table station add column tolerances jsonb not null default '{}';
