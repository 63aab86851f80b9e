drop function stromtor_ocpi_locations(uuid, timestamptz);
drop index connector_location, charge_point_live_location, roaming_publication_location, tariff_assignment_location;
drop table ocpi_message, ocpi_token, ocpi_provider, ocpi_peer, ocpi_party;
