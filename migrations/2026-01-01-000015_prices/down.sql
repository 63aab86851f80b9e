alter table tariff_assignment drop column plan_id;
drop table tariff_plan_item;
drop table tariff_plan;
