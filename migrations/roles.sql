-- The roles Stromtor connects as. Run once per cluster as a superuser; the embedded PostgreSQL does it by itself.
-- Row-level security holds only because none of the three serving roles owns a table, is a superuser or may bypass it.
do $$
begin
  if not exists (select from pg_roles where rolname = 'stromtor_owner') then
    create role stromtor_owner login nosuperuser nobypassrls;
  end if;
  -- Requests over the REST API: sees what the actor's scope admits.
  if not exists (select from pg_roles where rolname = 'stromtor_request') then
    create role stromtor_request login nosuperuser nobypassrls;
  end if;
  -- What stations report, and jobs: see every partner's rows through policies of their own.
  if not exists (select from pg_roles where rolname = 'stromtor_ingest') then
    create role stromtor_ingest login nosuperuser nobypassrls;
  end if;
  if not exists (select from pg_roles where rolname = 'stromtor_worker') then
    create role stromtor_worker login nosuperuser nobypassrls;
  end if;
end
$$;
