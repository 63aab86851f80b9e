-- Connections whose station has changed are ended, whichever process holds them.
alter table station_live
  -- rises whenever what the station is let in as changes: a connection that was let in before is to end
  add column door_revision bigint not null default 0;

-- Since when the process was heard without a gap: only one that was can tell that another is lost.
alter table node add column heard_since timestamptz not null default now();
