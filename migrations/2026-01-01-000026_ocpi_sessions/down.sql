drop index ocpi_provider_emp;
