alter table authorization_attempt drop column permission_id;
drop table access_permission, charge_point_group_member, charge_point_group, emaid_group_member, emaid_group;
alter table charge_point drop column authentication_types, drop column access_policy;
