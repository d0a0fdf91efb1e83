/** The SQL of the central side; statements take whole columns: a batch is one trip. */

/** New events; the ids that went in come back. */
export const INSERT_EVENTS = `
INSERT INTO event (id, device, lane, seq, type, boot_id, monotonic_ms, wall, clock_quality,
  historical, payload, digest, stored_by)
SELECT *, $13::text FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[],
  $6::text[], $7::float8[], $8::timestamptz[], $9::text[], $10::boolean[], $11::json[],
  $12::text[])
ON CONFLICT DO NOTHING
RETURNING id`;

/** Of those that did not go in: which of them stand there already, just as they are. */
export const SAME_EVENTS = `
SELECT wanted.id FROM unnest($1::uuid[], $2::text[]) AS wanted (id, digest)
JOIN event ON event.id = wanted.id AND event.digest = wanted.digest`;

export const INSERT_CONFLICTS = `
INSERT INTO conflict (id, device, lane, seq, digest, payload, stored_by)
SELECT *, $7::text FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[],
  $6::json[])
ON CONFLICT DO NOTHING`;

export const INSERT_GAPS = `
INSERT INTO gap (device, lane, first_seq, last_seq, reason, readings)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
ON CONFLICT DO NOTHING`;

export const INSERT_TELEMETRY = `
INSERT INTO telemetry (device, sensor, channel, row_number, wall, value, min, max, readings, unit)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[],
  $6::float8[], $7::float8[], $8::float8[], $9::bigint[], $10::text[])
ON CONFLICT DO NOTHING`;

export const INSERT_POISON = `
INSERT INTO poison (topic, reason, payload, stored_by)
SELECT *, $4::text FROM unnest($1::text[], $2::text[], $3::bytea[])`;

export const MARK_LANES = `
INSERT INTO lane (device, lane)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (device, lane) DO UPDATE SET dirty = true WHERE NOT lane.dirty`;

/**
 * A word of the present run counts by its connection, and `offline` after `online`; a run that was
 * never seen before takes over with its birth; a late word of an earlier run counts for nothing.
 */
export const UPSERT_DEVICE = `
INSERT INTO device (device, status, reason, boot_id, connection, version, config_hash, wall)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (device) DO UPDATE SET
  status = excluded.status,
  reason = excluded.reason,
  boot_id = excluded.boot_id,
  connection = excluded.connection,
  version = coalesce(excluded.version, device.version),
  config_hash = coalesce(excluded.config_hash, device.config_hash),
  wall = coalesce(excluded.wall, device.wall),
  former_boots = CASE WHEN device.boot_id = excluded.boot_id THEN device.former_boots
    ELSE (device.former_boots || device.boot_id)[greatest(1,
      cardinality(device.former_boots) - 14):] END,
  changed_at = now()
WHERE CASE WHEN device.boot_id = excluded.boot_id
  THEN excluded.connection > device.connection
    OR (excluded.connection = device.connection AND device.status = 'online')
  ELSE excluded.status = 'online' AND NOT excluded.boot_id = ANY (device.former_boots) END`;

/** Only one instance looks through the lanes at a time; the lock ends with the transaction. */
export const LOCK_CHECK = `
SELECT pg_try_advisory_xact_lock(hashtext('embereye central check')) AS ok`;
export const DIRTY_LANES = `
UPDATE lane SET dirty = false
WHERE (device, lane) IN (
  SELECT device, lane FROM lane WHERE dirty ORDER BY device, lane LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING device, lane, checked`;
export const MISSING_OF = `
SELECT first_seq, last_seq, since, told FROM missing
WHERE device = $1 AND lane = $2 ORDER BY first_seq`;
/** At most $4 numbers at a time: the rest is looked at next time. */
export const SEQS_AFTER = `
SELECT seq FROM event WHERE device = $1 AND lane = $2 AND seq > $3 ORDER BY seq LIMIT $4`;
export const SEQS_WITHIN = `
SELECT event.seq FROM missing JOIN event ON event.device = missing.device
  AND event.lane = missing.lane AND event.seq BETWEEN missing.first_seq AND missing.last_seq
WHERE missing.device = $1 AND missing.lane = $2`;
export const GAPS_OF = `SELECT first_seq, last_seq FROM gap WHERE device = $1 AND lane = $2`;
export const SET_CHECKED = `
UPDATE lane SET checked = $3, dirty = dirty OR $4 WHERE device = $1 AND lane = $2`;
export const DELETE_MISSING = `DELETE FROM missing WHERE device = $1 AND lane = $2`;
export const INSERT_MISSING = `
INSERT INTO missing (device, lane, first_seq, last_seq, since, told)
SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[], $6::boolean[])`;
export const TELL_MISSING = `
UPDATE missing SET told = true WHERE NOT told AND since < now() - $1::float8 * interval '1 ms'
RETURNING device, lane, first_seq, last_seq`;
