-- How far the confirmation of a plan is; written beside the transaction that assigns, so that others see it meanwhile.
create table tariff_plan_progress (
  plan_id uuid primary key references tariff_plan (id) on delete cascade,
  partner_id uuid not null,
  done bigint not null,
  total bigint not null,
  updated_at timestamptz not null
);
call stromtor_protect('tariff_plan_progress', 'partner_id');
