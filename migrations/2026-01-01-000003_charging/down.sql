drop table cdr, session_reading, session, tariff_assignment, tariff_version, tariff, authorization_attempt, token cascade;
drop sequence session_number, ocpp_transaction_id;
