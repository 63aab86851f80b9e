update session set auth_source = 'unknown' where auth_source = 'emarketplace';
alter table session drop constraint session_auth_source_check;
alter table session add constraint session_auth_source_check
  check (auth_source in ('local_rfid', 'remote', 'plug_and_charge', 'unknown'));
alter table authorization_attempt drop column emp_contract_id;
drop table emp_contract;
drop view emp;
