-- Who was refused credentials, and for which roles?
--
-- Finds: refused calls by origin, call, role and error, with how many minutes they fell into.
-- Read: tools try again many times: `minutes` counts better than `attempts`. `later_issued` counts sessions that the same call
--   gave the same origin for the same role in these days: somebody who was refused first and got in later found a way, or a
--   permission was mended.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  f.origin_known,
  f.origin_type,
  f.origin_name,
  f.origin_arn,
  f.event_name,
  f.role_arn,
  f.error_code,
  f.attempts,
  f.minutes,
  f.addresses,
  f.first_time,
  f.last_time,
  f.an_event_id,
  count(i.event_id) AS later_issued
FROM (
  SELECT
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    event_name,
    role_arn,
    error_code,
    count(*) AS attempts,
    count(DISTINCT date_trunc('minute', event_time)) AS minutes,
    count(DISTINCT source_ip_address) AS addresses,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(event_id) AS an_event_id
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND outcome = 'failed'
  GROUP BY origin_known, origin_type, origin_name, origin_arn, event_name, role_arn, error_code
) AS f
LEFT JOIN (
  SELECT event_id, event_time, event_name, role_arn, origin_type, origin_arn, origin_name
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
) AS i
  ON i.event_name = f.event_name
  AND i.origin_type = f.origin_type
  AND coalesce(i.role_arn, '') = coalesce(f.role_arn, '')
  AND coalesce(i.origin_arn, '') = coalesce(f.origin_arn, '')
  AND coalesce(i.origin_name, '') = coalesce(f.origin_name, '')
  AND i.event_time > f.first_time
GROUP BY
  f.origin_known,
  f.origin_type,
  f.origin_name,
  f.origin_arn,
  f.event_name,
  f.role_arn,
  f.error_code,
  f.attempts,
  f.minutes,
  f.addresses,
  f.first_time,
  f.last_time,
  f.an_event_id
ORDER BY f.attempts DESC, f.first_time, f.an_event_id
