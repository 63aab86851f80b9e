-- Who is on the platform, and what row-level security is made of.

-- The scope of a transaction is three settings, set by persistence::tx at its begin and gone at its end:
--   stromtor.partner    the actor's partner; it sees this partner and its subtree
--   stromtor.platform   'on' for an actor of the platform itself: it sees every partner
--   stromtor.locations  the only locations the actor may see, comma-separated; empty for all
-- Without them a role sees nothing.

create table partner (
  id uuid primary key,
  parent_id uuid references partner (id),
  name text not null,
  kind text not null check (kind in ('platform', 'reseller', 'cpo', 'sub_cpo', 'affiliate', 'emp')),
  contract_model text check (contract_model in ('direct', 'reseller', 'affiliate')),
  debtor_number text unique,
  address jsonb,
  vat_id text,
  iban text,
  bic text,
  email text,
  hotline text,
  currency text,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((parent_id is null) = (kind = 'platform')),
  unique (parent_id, external_id)
);
create unique index partner_one_platform on partner ((true)) where kind = 'platform';

create function stromtor_sees_all() returns boolean
  language sql stable parallel safe
  as $$ select coalesce(current_setting('stromtor.platform', true), '') = 'on' $$;

-- The partners in scope: the actor's own and everything below it. Owner's rights, so that it can read the tree
-- whatever policy stands on it.
create function stromtor_scope() returns uuid[]
  language sql stable security definer parallel safe set search_path = public, pg_temp
  as $$
    with recursive subtree as (
      select id from partner where id = nullif(current_setting('stromtor.partner', true), '')::uuid
      union all
      select child.id from partner child join subtree on child.parent_id = subtree.id
    )
    select coalesce(array_agg(id), '{}') from subtree
  $$;

-- The only locations in scope; null for all.
create function stromtor_locations() returns uuid[]
  language sql stable parallel safe
  as $$ select string_to_array(nullif(current_setting('stromtor.locations', true), ''), ',')::uuid[] $$;

-- Puts the usual rights and policies on a table: requests see rows whose partner (one of `columns`) is in scope and, where
-- the table has a location, in the actor's locations; ingest and workers see every row.
create procedure stromtor_protect(target regclass, variadic columns text[])
  language plpgsql as $$
declare
  owned text := '';
  located text := '';
  shown text;
  col text;
begin
  foreach col in array columns loop
    if col like '%location_id' or (target::text = 'location' and col = 'id') then
      located := format(
        ' and ((select stromtor_locations()) is null or %I = any ((select stromtor_locations())::uuid[]))', col);
    else
      owned := owned || case when owned = '' then '' else ' or ' end
        || format('%I = any ((select stromtor_scope())::uuid[])', col);
    end if;
  end loop;
  shown := format('((select stromtor_sees_all()) or %s)%s', owned, located);
  execute format('alter table %s enable row level security', target);
  execute format('create policy request_scope on %s to stromtor_request using (%s) with check (%s)', target, shown, shown);
  execute format('create policy system_all on %s to stromtor_ingest, stromtor_worker using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to stromtor_request, stromtor_ingest, stromtor_worker', target);
end
$$;

grant usage on schema public to stromtor_request, stromtor_ingest, stromtor_worker;
call stromtor_protect('partner', 'id');

create table role (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  description text,
  permissions text[] not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, name)
);
call stromtor_protect('role', 'partner_id');

create table app_user (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  email text not null,
  name text not null,
  -- names of built-in roles or of roles of the user's partner
  roles text[] not null,
  location_ids uuid[],
  status text not null check (status in ('invited', 'active', 'disabled')),
  password_hash text,
  last_login_at timestamptz,
  erased_at timestamptz,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id)
);
create unique index app_user_email on app_user (lower(email));
call stromtor_protect('app_user', 'partner_id');

create table api_client (
  id uuid primary key,
  partner_id uuid not null references partner (id),
  name text not null,
  client_id text not null unique,
  secret_hmac bytea not null,
  permissions text[] not null,
  location_ids uuid[],
  enabled boolean not null,
  last_used_at timestamptz,
  external_id text,
  metadata jsonb not null,
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (partner_id, external_id)
);
call stromtor_protect('api_client', 'partner_id');

-- Rotating refresh tokens; a used one that comes back ends its whole family.
create table refresh_token (
  id uuid primary key,
  family_id uuid not null,
  user_id uuid not null references app_user (id) on delete cascade,
  token_hmac bytea not null unique,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index refresh_token_family on refresh_token (family_id);
create index refresh_token_user on refresh_token (user_id);

-- Invitations and password resets: single use.
create table one_time_token (
  id uuid primary key,
  user_id uuid not null references app_user (id) on delete cascade,
  purpose text not null check (purpose in ('invitation', 'password_reset')),
  token_hmac bytea not null unique,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null
);
create index one_time_token_user on one_time_token (user_id);

-- Failed log-ins per name and per address; slowed down, never locked for good.
create table login_throttle (
  subject text primary key,
  failures integer not null,
  blocked_until timestamptz,
  updated_at timestamptz not null
);

-- Keys that sign access tokens. The private half is encrypted with the server's secret.
create table signing_key (
  id uuid primary key,
  public_jwk jsonb not null,
  private_sealed bytea not null,
  created_at timestamptz not null,
  -- signs from here on; published before, so that verifiers know it in time
  active_from timestamptz not null,
  -- no longer published from here on
  retired_at timestamptz
);

-- Tickets that open a stream, for browsers' EventSource, which sends no header: single use, seconds to live.
create table stream_ticket (
  ticket_hmac bytea primary key,
  actor jsonb not null,
  expires_at timestamptz not null
);

-- The answers to requests that carried an Idempotency-Key.
create table idempotency_key (
  actor_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  status integer,
  headers jsonb,
  body bytea,
  created_at timestamptz not null,
  primary key (actor_id, key)
);

-- The identity tables are no tenant's: the request role reaches them by exact key only, from code that checks.
grant select, insert, update, delete on refresh_token, one_time_token, login_throttle, signing_key, stream_ticket,
  idempotency_key to stromtor_request, stromtor_worker;

create table audit_entry (
  id uuid primary key,
  at timestamptz not null,
  partner_id uuid not null,
  actor_kind text not null check (actor_kind in ('user', 'api_client', 'system')),
  actor_id uuid not null,
  actor_name text not null,
  ip text,
  request_id uuid,
  action text not null,
  resource text not null,
  resource_id uuid not null,
  before jsonb,
  after jsonb
);
create index audit_entry_partner on audit_entry (partner_id, id desc);
create index audit_entry_resource on audit_entry (resource_id, id desc);
create index audit_entry_actor on audit_entry (actor_id, id desc);
call stromtor_protect('audit_entry', 'partner_id');
revoke update, delete on audit_entry from stromtor_request, stromtor_ingest;
-- Erasure of a person's data empties these and nothing else.
grant update (actor_name, ip, before, after) on audit_entry to stromtor_request;
