drop table tariff_plan_progress;
