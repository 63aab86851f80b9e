-- Who may see some locations alone may change what belongs to no location, a tariff, and what has its location beside it: that is
-- noted for the partner, though it is not theirs to read.
create policy request_note on event for insert to stromtor_request
  with check ((select stromtor_sees_all()) or partner_id = any ((select stromtor_scope())::uuid[]));
