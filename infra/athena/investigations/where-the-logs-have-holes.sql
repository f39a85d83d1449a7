-- Where do the logs have holes?
--
-- Finds: stretches of more than $seconds in which no log object of an account and region was delivered, between two that were;
--   every log object that could not be read, or was gone before it was; and how many were read whose names do not tell account,
--   region and time of delivery.
-- Read: `delivery not told` is one row: `log_objects` were renamed, or put together from several, and fill holes of which
--   nobody can tell; where it stands, a stretch without delivery may be theirs, and the absence of one proves nothing for them.
--   Its times are those of their first and last row. An account that does nothing writes nothing: a quiet night in a quiet
--   region is no hole. A hole in all regions of an account at once, or right before a gap of `where-chains-break`, is. What was
--   never delivered before the first or after the last log object cannot be seen here.
-- Scans: the ledger of the days from $since to $until, and of 1970-01-01, where it has what tells no day (not in Athena, whose
--   tables begin with the stack's FirstDay); the table `sessions` is not read.
--
-- $seconds number: how long nothing must have come, such as 7200
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  'nothing delivered' AS finding,
  account_id,
  region,
  previous_at AS from_time,
  delivered_at AS to_time,
  date_diff('second', previous_at, delivered_at) AS seconds,
  CAST(NULL AS bigint) AS log_objects,
  location,
  CAST(NULL AS varchar) AS reason
FROM (
  SELECT
    account_id,
    region,
    delivered_at,
    location,
    lag(delivered_at) OVER (PARTITION BY account_id, region ORDER BY delivered_at, location) AS previous_at
  FROM log_objects
  WHERE dt BETWEEN $since AND $until
    AND kind = 'log_object'
) AS d
WHERE date_diff('second', previous_at, delivered_at) > $seconds
UNION ALL
SELECT
  outcome AS finding,
  account_id,
  region,
  delivered_at AS from_time,
  delivered_at AS to_time,
  CAST(NULL AS bigint) AS seconds,
  CAST(1 AS bigint) AS log_objects,
  location,
  reason
FROM log_objects
WHERE (dt BETWEEN $since AND $until OR dt = '1970-01-01')
  AND outcome IN ('failed', 'gone')
UNION ALL
SELECT
  'delivery not told' AS finding,
  CAST(NULL AS varchar) AS account_id,
  CAST(NULL AS varchar) AS region,
  min(first_event_time) AS from_time,
  max(last_event_time) AS to_time,
  CAST(NULL AS bigint) AS seconds,
  count(*) AS log_objects,
  min(location) AS location,
  'the name tells no account, region or time' AS reason
FROM log_objects
WHERE (dt BETWEEN $since AND $until OR dt = '1970-01-01')
  AND outcome = 'extracted'
  AND (kind <> 'log_object' OR account_id IS NULL OR region IS NULL OR delivered_at IS NULL)
HAVING count(*) > 0
ORDER BY finding, account_id, region, from_time, location
