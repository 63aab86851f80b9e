-- What is sold to operators: a catalogue, orders, and who has what.

-- The partners that stand under a partner, itself among them. Owner's rights: whoever asks need not see them all.
create function stromtor_below(partner uuid) returns table (id uuid)
  language sql stable security definer parallel safe set search_path = public, pg_temp
  as $$
    with recursive down as (
      select p.id from partner p where p.id = $1
      union all
      select p.id from partner p join down on p.parent_id = down.id
    )
    select id from down
  $$;

create table product (
  id uuid primary key,
  -- who sells it
  partner_id uuid not null references partner (id),
  kind text not null check (kind in ('station', 'partner')),
  code text not null,
  name text not null,
  description text,
  enables text[] not null check (enables <@
    '{monitoring,remote_control,firmware,marketing,roaming,direct_payment,roaming_plus,emp_contracts}'),
  price numeric(16, 4) not null check (price >= 0),
  currency text not null,
  period text not null check (period in ('month', 'year', 'once')),
  state text not null check (state in ('active', 'withdrawn')),
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, code),
  unique (partner_id, external_id)
);
call stromtor_protect('product', 'partner_id');
-- What partners above sell is for those below, and so seen; changing it takes the owner's scope.
create policy from_above on product for select to stromtor_request
  using (partner_id = any ((select array(
    select id from stromtor_lineage(nullif(current_setting('stromtor.partner', true), '')::uuid)))::uuid[]));

-- Orders of one product queue up. Owner's rights: whoever orders may not change, and so not lock, what is sold above.
create function stromtor_lock_product(chosen uuid) returns boolean
  language sql security definer set search_path = public, pg_temp
  as $$ select exists (select from product where id = chosen for no key update) $$;

-- A product for stations of one business partner, or for the partner itself: previewed, then done as a whole or not at all.
create table product_order (
  id uuid primary key,
  -- the business partner that has or gets the product
  partner_id uuid not null references partner (id),
  product_id uuid not null references product (id),
  action text not null check (action in ('assign', 'end')),
  valid_from timestamptz,
  -- what was chosen, as it was said
  selection jsonb not null,
  -- what was shown
  price numeric(16, 4) not null,
  currency text not null,
  period text not null,
  state text not null check (state in ('preview', 'confirmed', 'cancelled')),
  items bigint not null default 0,
  violations bigint not null default 0,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  confirmed_at timestamptz,
  cancelled_at timestamptz
);
create index product_order_partner on product_order (partner_id, id);
create index product_order_product on product_order (product_id);
call stromtor_protect('product_order', 'partner_id');

-- One station of an order, or the partner that it is for.
create table product_order_item (
  order_id uuid not null references product_order (id) on delete cascade,
  -- the station, or the partner
  target_id uuid not null,
  partner_id uuid not null,
  station_id uuid,
  location_id uuid,
  -- whose station it is
  operator_id uuid not null,
  products_before uuid[] not null,
  products_after uuid[] not null,
  violations jsonb not null default '[]',
  primary key (order_id, target_id)
);
call stromtor_protect('product_order_item', 'partner_id', 'location_id');

-- Who has what, from when until when, and at what price; never changed but for its end.
create table product_assignment (
  id uuid primary key,
  -- who has it: the station's operator, or the partner
  partner_id uuid not null references partner (id),
  product_id uuid not null references product (id),
  -- all of the partner when absent
  station_id uuid references station (id),
  -- where the station stood then
  location_id uuid,
  valid_from timestamptz not null,
  valid_until timestamptz,
  price numeric(16, 4) not null,
  currency text not null,
  period text not null,
  order_id uuid not null references product_order (id),
  assigned_by text not null,
  ended_by_order_id uuid references product_order (id),
  ended_by text,
  cancelled_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((station_id is null) = (location_id is null))
);
create index product_assignment_partner on product_assignment (partner_id, id);
create index product_assignment_whole on product_assignment (partner_id) where station_id is null;
-- Both columns, so that it is chosen for a station's even before statistics tell that stations have few.
create index product_assignment_station on product_assignment (station_id, partner_id) where station_id is not null;
create index product_assignment_product on product_assignment (product_id);
create index product_assignment_order on product_assignment (order_id);
create index product_assignment_ended on product_assignment (ended_by_order_id) where ended_by_order_id is not null;
call stromtor_protect('product_assignment', 'partner_id', 'location_id');

-- Whether an assignment holds at a time.
create function stromtor_holds(a product_assignment, at timestamptz) returns boolean
  language sql immutable parallel safe
  as $$ select a.cancelled_at is null and a.valid_from <= at and (a.valid_until is null or a.valid_until > at) $$;

-- What partners lack: features that somebody sells them, with the products that would enable them. A seller's say counts for
-- itself: what it sells is not replaced by what another gives away. A partner has what was assigned to it or above it. Owner's
-- rights: assignments and catalogues above are out of the scope of requests.
create function stromtor_partners_lack(partners uuid[], features text[], at timestamptz)
  returns table (partner_id uuid, seller_id uuid, feature text, products text[])
  language sql stable security definer set search_path = public, pg_temp
  as $$
    with recursive lineage as (
      select p.id as partner_id, p.id as above, p.parent_id from partner p where p.id = any(partners)
      union all
      select l.partner_id, p.id, p.parent_id from lineage l join partner p on p.id = l.parent_id
    ), sold as (
      select l.partner_id, p.partner_id as seller_id, f.feature, array_agg(p.code order by p.code) as products
      from lineage l join product p on p.partner_id = l.above cross join unnest(p.enables) f(feature)
      where p.state = 'active' and f.feature = any(features)
      group by 1, 2, 3
    )
    select s.* from sold s where not exists (
      select from lineage l join product_assignment a on a.partner_id = l.above join product p on p.id = a.product_id
      where l.partner_id = s.partner_id and a.station_id is null and p.partner_id = s.seller_id
        and s.feature = any(p.enables) and stromtor_holds(a, at)
    )
  $$;

-- The same for stations: what their operators lack, and they have none of themselves.
create function stromtor_stations_lack(stations uuid[], features text[], at timestamptz)
  returns table (station_id uuid, feature text, products text[])
  language sql stable security definer set search_path = public, pg_temp
  as $$
    with chosen as (select s.id, s.partner_id from station s where s.id = any(stations)),
    lacking as materialized (
      select * from stromtor_partners_lack(array(select distinct partner_id from chosen), features, at)
    )
    -- Asked station by station, by index: joined, tens of thousands were badly guessed.
    select c.id, l.feature, array_agg(distinct code order by code)
    from chosen c join lacking l on l.partner_id = c.partner_id cross join lateral (select exists (
      select from product_assignment a join product p on p.id = a.product_id
      where a.station_id = c.id and a.partner_id = c.partner_id and p.partner_id = l.seller_id
        and l.feature = any(p.enables) and stromtor_holds(a, at)
    ) as has) h cross join unnest(l.products) code
    where not h.has
    group by 1, 2
  $$;

-- Publications follow what was bought; what begins or ends later is looked at then.
alter table publication_due add column due_at timestamptz;

create function stromtor_product_assignment_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  at timestamptz := coalesce(nullif(current_setting('stromtor.now', true), '')::timestamptz, now());
begin
  insert into publication_due (station_id) select distinct c.station_id from changed c join product p on p.id = c.product_id
    where c.station_id is not null and p.enables && '{marketing,roaming_plus}';
  insert into publication_due (partner_id, due_at)
    with changes as (
      select distinct c.partner_id, c.station_id is null as whole, t.due_at
      from changed c join product p on p.id = c.product_id
        cross join lateral (values (null::timestamptz), (c.valid_from), (c.valid_until)) t(due_at)
      where p.enables && '{marketing,roaming_plus}'
        and (t.due_at > at or (t.due_at is null and c.station_id is null))
    )
    select distinct b.id, d.due_at from changes d cross join lateral stromtor_below(d.partner_id) b
      where d.whole or b.id = d.partner_id;
  return null;
end
$$;
create trigger product_assignment_publication_due_insert after insert on product_assignment
  referencing new table as changed for each statement execute function stromtor_product_assignment_due();
create trigger product_assignment_publication_due_update after update on product_assignment
  referencing new table as changed for each statement execute function stromtor_product_assignment_due();

create function stromtor_product_due() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into publication_due (partner_id)
    select distinct b.id from (select distinct partner_id from changed) c cross join lateral stromtor_below(c.partner_id) b;
  return null;
end
$$;
create trigger product_publication_due_insert after insert on product
  referencing new table as changed for each statement execute function stromtor_product_due();
create trigger product_publication_due_update after update on product
  referencing new table as changed for each statement execute function stromtor_product_due();
create trigger product_publication_due_delete after delete on product
  referencing old table as changed for each statement execute function stromtor_product_due();
