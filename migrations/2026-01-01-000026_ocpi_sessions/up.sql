-- Whose drivers' sessions and CDRs a peer may fetch: a provider is one peer's.
create unique index ocpi_provider_emp on ocpi_provider (emp_id);
