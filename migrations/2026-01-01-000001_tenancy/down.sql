drop table audit_entry, idempotency_key, stream_ticket, signing_key, login_throttle, one_time_token, refresh_token,
  api_client, app_user, role, partner cascade;
drop procedure stromtor_protect;
drop function stromtor_locations, stromtor_scope, stromtor_sees_all;
