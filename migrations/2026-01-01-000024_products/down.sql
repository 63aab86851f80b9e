drop function stromtor_stations_lack(uuid[], text[], timestamptz), stromtor_partners_lack(uuid[], text[], timestamptz),
  stromtor_holds(product_assignment, timestamptz), stromtor_lock_product(uuid);
drop table product_assignment, product_order_item, product_order, product;
drop function stromtor_product_due(), stromtor_product_assignment_due(), stromtor_below(uuid);
alter table publication_due drop column due_at;
