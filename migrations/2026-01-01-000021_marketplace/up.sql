-- The eMarketplace: with which providers an operator has contracts, and what their drivers cost.

-- Providers, as every operator may know them; a view reads with its owner's rights, past the scope of requests.
create view emp as select id, name, address->>'country' as country from partner where kind = 'emp';
grant select on emp to stromtor_request, stromtor_ingest, stromtor_worker;

create table emp_contract (
  id uuid primary key,
  -- the operator
  partner_id uuid not null references partner (id),
  emp_id uuid not null references partner (id),
  name text not null,
  -- every charge point of the operator when absent
  charge_point_group_id uuid,
  tariff_id uuid,
  markup_percent numeric(6, 2) check (markup_percent between 0 and 1000),
  enabled boolean not null,
  valid_from timestamptz,
  valid_until timestamptz,
  external_id text,
  metadata jsonb not null,
  -- when the provider agreed; it does not count before
  accepted_at timestamptz,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id),
  -- group and tariff are the operator's own
  foreign key (partner_id, charge_point_group_id) references charge_point_group (partner_id, id),
  foreign key (partner_id, tariff_id) references tariff (partner_id, id)
);
create index emp_contract_parties on emp_contract (partner_id, emp_id);
create index emp_contract_emp on emp_contract (emp_id, id);
create index emp_contract_group on emp_contract (charge_point_group_id) where charge_point_group_id is not null;
create index emp_contract_tariff on emp_contract (tariff_id) where tariff_id is not null;
call stromtor_protect('emp_contract', 'partner_id', 'emp_id');

-- The contract by which a provider's driver was let in: it prices the session.
alter table authorization_attempt add column emp_contract_id uuid;

alter table session drop constraint session_auth_source_check;
alter table session add constraint session_auth_source_check
  check (auth_source in ('local_rfid', 'remote', 'plug_and_charge', 'emarketplace', 'unknown'));
