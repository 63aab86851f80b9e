alter table manufacturer drop column tolerances;
alter table station_model drop column tolerances;
alter table station drop column tolerances;
