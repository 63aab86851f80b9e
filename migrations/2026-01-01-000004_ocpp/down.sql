drop table command, ocpp_message cascade;
drop function stromtor_drop_partitions, stromtor_make_partitions;
