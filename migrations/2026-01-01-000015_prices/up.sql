-- A tariff to hold at many charge points: chosen, checked, then assigned as a whole or not at all.
create table tariff_plan (
  id uuid primary key,
  partner_id uuid not null,
  tariff_id uuid not null,
  -- the version that was checked
  version_id uuid not null,
  valid_from timestamptz,
  -- what was chosen, as it was said
  selection jsonb not null,
  state text not null check (state in ('preview', 'confirmed', 'cancelled')),
  charge_points bigint not null default 0,
  violations bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  foreign key (partner_id, tariff_id) references tariff (partner_id, id) on delete cascade
);
create index tariff_plan_partner on tariff_plan (partner_id, id);
create index tariff_plan_tariff on tariff_plan (tariff_id);
call stromtor_protect('tariff_plan', 'partner_id');

-- One charge point of a plan: what held before, and what speaks against it.
create table tariff_plan_item (
  plan_id uuid not null references tariff_plan (id) on delete cascade,
  charge_point_id uuid not null,
  partner_id uuid not null,
  -- whose charge point it is
  operator_id uuid not null,
  location_id uuid not null,
  current_type text not null,
  -- the tariff that would hold at the plan's time without it
  before_id uuid,
  -- every version that held in the last 30 days
  basis uuid[] not null,
  violations jsonb not null default '[]',
  primary key (plan_id, charge_point_id)
);
call stromtor_protect('tariff_plan_item', 'partner_id', 'location_id');

alter table tariff_assignment add column plan_id uuid references tariff_plan (id);
create index tariff_assignment_plan on tariff_assignment (plan_id) where plan_id is not null;
