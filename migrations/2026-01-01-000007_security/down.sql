drop table station_certificate, certificate_request;
alter table station_live drop column security_profile;
alter table station drop column next_password_command_id, drop column next_password_hmac, drop column security_profile;
