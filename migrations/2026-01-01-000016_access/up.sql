-- Who may charge where: groups of tokens, groups of charge points, permissions that join the two.

-- open: every valid token; permitted: those alone that a permission admits.
alter table charge_point add column access_policy text not null default 'open'
  check (access_policy in ('open', 'permitted'));
-- how drivers may be let in here
alter table charge_point add column authentication_types text[] not null
  default '{local_rfid,remote,plug_and_charge}';

create table emaid_group (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, name),
  unique (partner_id, external_id)
);
call stromtor_protect('emaid_group', 'partner_id');

create table emaid_group_member (
  emaid_group_id uuid not null references emaid_group (id) on delete cascade,
  token_id uuid not null references token (id) on delete cascade,
  partner_id uuid not null,
  created_at timestamptz not null,
  primary key (emaid_group_id, token_id)
);
create index emaid_group_member_token on emaid_group_member (token_id, emaid_group_id);
call stromtor_protect('emaid_group_member', 'partner_id');

create table charge_point_group (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, id),
  unique (partner_id, name),
  unique (partner_id, external_id)
);
call stromtor_protect('charge_point_group', 'partner_id');

-- A charge point that moves to another operator leaves its groups.
create table charge_point_group_member (
  charge_point_group_id uuid not null references charge_point_group (id) on delete cascade,
  charge_point_id uuid not null references charge_point (id) on delete cascade,
  partner_id uuid not null,
  location_id uuid not null,
  created_at timestamptz not null,
  primary key (charge_point_group_id, charge_point_id)
);
create index charge_point_group_member_point on charge_point_group_member (charge_point_id, charge_point_group_id);
call stromtor_protect('charge_point_group_member', 'partner_id', 'location_id');

create table access_permission (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  emaid_group_id uuid not null,
  charge_point_group_id uuid not null,
  enabled boolean not null,
  valid_from timestamptz,
  valid_until timestamptz,
  windows jsonb not null,
  limits jsonb not null,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id),
  -- the groups are the operator's own; one that permissions name cannot be deleted
  foreign key (partner_id, emaid_group_id) references emaid_group (partner_id, id),
  foreign key (partner_id, charge_point_group_id) references charge_point_group (partner_id, id)
);
create index access_permission_emaid_group on access_permission (emaid_group_id);
create index access_permission_charge_point_group on access_permission (charge_point_group_id);
call stromtor_protect('access_permission', 'partner_id');

-- The permission that let the driver in; limits count the sessions that began by it.
alter table authorization_attempt add column permission_id uuid;
create index authorization_attempt_permission on authorization_attempt (token_id, permission_id, at)
  where permission_id is not null;
