drop table node, local_list, charging_notice, charging_profile, reservation, station_report, parameter_template,
  station_parameter, monitoring_event, security_event, station_connection, station_boot;
drop sequence ocpp_request_id;
alter table command drop column input, drop column ocpp_version;
drop index session_idle;
alter table session drop column charging_state, drop column meter_start_known;
