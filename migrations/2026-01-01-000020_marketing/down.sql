drop trigger partner_publication_due on partner;
drop trigger location_publication_due on location;
drop trigger station_publication_due on station;
drop trigger charge_point_publication_due_insert on charge_point;
drop trigger charge_point_publication_due_update on charge_point;
drop trigger charge_point_publication_due_delete on charge_point;
drop trigger connector_publication_due_insert on connector;
drop trigger connector_publication_due_delete on connector;
drop table publication_due, roaming_publication, access_information;
drop function stromtor_station_due(), stromtor_part_due(), stromtor_charge_point_due(), stromtor_location_due(),
  stromtor_partner_due();
