alter table node drop column heard_since;
alter table station_live drop column door_revision;
