drop trigger charge_point_evse_id_gone on charge_point;
drop trigger charge_point_evse_id_changed on charge_point;
drop trigger charge_point_evse_id_new on charge_point;
drop function stromtor_evse_prefix_used, stromtor_foreign_evse_ids, stromtor_allocate_evse_ids, stromtor_note_evse_ids;
drop table evse_id_history, evse_prefix;
alter table charge_point drop column evse_id_compact;
drop function stromtor_lineage;
