drop function stromtor_adopt;
drop table unknown_station, note, connector_live, connector, charge_point_live, charge_point, station_live, station,
  station_model, manufacturer, location cascade;
