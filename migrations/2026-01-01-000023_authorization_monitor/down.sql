drop view authorization_monitor;
drop function stromtor_first_id(timestamptz);
alter table authorization_attempt drop column source;
update session set auth_source = 'unknown' where auth_source in ('ocpi', 'oicp', 'direct_payment', 'free');
alter table session drop constraint session_auth_source_check;
alter table session add constraint session_auth_source_check
  check (auth_source in ('local_rfid', 'remote', 'plug_and_charge', 'emarketplace', 'unknown'));
