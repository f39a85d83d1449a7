-- Where do the logs have holes?
--
-- Finds: stretches of more than $seconds in which no log object of an account and region was delivered, between two that
--   were; and every log object that could not be read, or was gone before it was.
-- Read: an account that does nothing writes nothing: a quiet night in a quiet region is no hole. A hole in all regions of an
--   account at once, or right before a gap of `where-chains-break`, is. What was never delivered before the first or after
--   the last log object cannot be seen here.
-- Scans: the ledger of the days from $since to $until; the table `sessions` is not read.
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
  location,
  reason
FROM log_objects
WHERE dt BETWEEN $since AND $until
  AND outcome IN ('failed', 'gone')
ORDER BY finding, account_id, region, from_time, location
