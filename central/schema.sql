-- Tables of the central side. Every statement may be run again: `main.js --setup` does.

-- One row for each journal event, exactly once.
CREATE TABLE IF NOT EXISTS event (
  id uuid PRIMARY KEY,
  device text NOT NULL,
  lane text NOT NULL,
  seq bigint NOT NULL,
  type text NOT NULL,
  boot_id text NOT NULL,
  monotonic_ms double precision NOT NULL,
  wall timestamptz NOT NULL,
  clock_quality text NOT NULL,
  historical boolean NOT NULL,
  -- The text as it was sent (json keeps it, jsonb would not), and what tells two texts apart.
  payload json NOT NULL,
  digest text NOT NULL,
  stored_by text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (device, lane, seq)
);
CREATE INDEX IF NOT EXISTS event_wall ON event (wall);

-- What an appliance says will never come.
CREATE TABLE IF NOT EXISTS gap (
  device text NOT NULL,
  lane text NOT NULL,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  reason text NOT NULL,
  readings bigint,
  stored_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (device, lane, first_seq, last_seq, reason)
);

CREATE TABLE IF NOT EXISTS telemetry (
  device text NOT NULL,
  sensor text NOT NULL,
  channel text NOT NULL,
  row_number bigint NOT NULL,
  wall timestamptz NOT NULL,
  value double precision NOT NULL,
  min double precision NOT NULL,
  max double precision NOT NULL,
  readings bigint NOT NULL,
  unit text NOT NULL,
  UNIQUE (device, sensor, channel, row_number, wall)
);

-- The present status of each appliance. `former_boots` keeps a late word of an earlier run away.
CREATE TABLE IF NOT EXISTS device (
  device text PRIMARY KEY,
  status text NOT NULL,
  reason text,
  boot_id text NOT NULL,
  connection bigint NOT NULL,
  version text,
  config_hash text,
  wall timestamptz,
  former_boots text[] NOT NULL DEFAULT '{}',
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- How far each lane has been looked through, and which numbers are missing below that.
CREATE TABLE IF NOT EXISTS lane (
  device text NOT NULL,
  lane text NOT NULL,
  checked bigint NOT NULL DEFAULT 0,
  -- Raised by whoever stores something of the lane, lowered by whoever looks through it.
  dirty boolean NOT NULL DEFAULT true,
  PRIMARY KEY (device, lane)
);
CREATE INDEX IF NOT EXISTS lane_dirty ON lane (device, lane) WHERE dirty;
CREATE TABLE IF NOT EXISTS missing (
  device text NOT NULL,
  lane text NOT NULL,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  told boolean NOT NULL DEFAULT false,
  PRIMARY KEY (device, lane, first_seq)
);

-- An event that contradicts one that was stored before: same number or same id, other content.
CREATE TABLE IF NOT EXISTS conflict (
  id uuid NOT NULL,
  device text NOT NULL,
  lane text NOT NULL,
  seq bigint NOT NULL,
  digest text NOT NULL,
  payload json NOT NULL,
  stored_by text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, device, lane, seq, digest)
);

-- What could not be understood, for a person to look at.
CREATE TABLE IF NOT EXISTS poison (
  topic text NOT NULL,
  reason text NOT NULL,
  payload bytea NOT NULL,
  stored_by text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);
