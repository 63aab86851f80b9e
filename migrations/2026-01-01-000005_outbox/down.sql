drop table job, delivery, event cascade;
