-- Which sessions came from addresses that are new for their origin?
--
-- Finds: origins that called between $since and $until from an address they had not called from between $baseline and $since.
-- Read: only origins that were seen in the baseline are listed: of the others every address is new. It is the address of the
--   call for the session; of a chained call too, so a key taken elsewhere shows up at its first use for a role. Calls that AWS
--   services make bear the service's name or `AWS Internal` and are left out: an origin that made no other has
--   `known_addresses` 0, which is how many it had before. A web identity is known by `origin_issuer`, who issued its token, and
--   its subject: a known subject of another issuer is listed with all addresses, and with the `known_addresses` of its
--   namesake.
-- Scans: the days from $baseline to $until, flat columns only.
--
-- $baseline day: first day of the history to compare with, such as 2026-10-20
-- $since day: first day to report, such as 2026-11-20
-- $until day: last day to report
WITH calls AS (
  SELECT
    dt,
    event_time,
    event_id,
    origin_type,
    coalesce(origin_name, '') AS origin_name,
    coalesce(origin_arn, '') AS origin_arn,
    CASE
      WHEN origin_type = 'WebIdentityUser' THEN coalesce(regexp_replace(origin_identity_provider, '^.*:oidc-provider/', ''), '')
      ELSE ''
    END AS origin_issuer,
    CASE
      WHEN source_ip_address NOT LIKE '%.amazonaws.com%' AND source_ip_address NOT LIKE 'AWS Internal%' THEN source_ip_address
    END AS address,
    role_arn,
    user_agent
  FROM sessions
  WHERE dt BETWEEN $baseline AND $until
    AND origin_known
    AND origin_type <> 'AWSService'
)
SELECT
  n.origin_type,
  n.origin_name,
  n.origin_arn,
  n.origin_issuer,
  n.address AS source_ip_address,
  k.known_addresses,
  n.calls,
  n.roles,
  n.first_time,
  n.last_time,
  n.an_event_id,
  n.a_user_agent
FROM (
  SELECT
    origin_type,
    origin_name,
    origin_arn,
    origin_issuer,
    address,
    count(*) AS calls,
    count(DISTINCT role_arn) AS roles,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(event_id) AS an_event_id,
    min(user_agent) AS a_user_agent
  FROM calls
  WHERE dt >= $since
    AND address IS NOT NULL
  GROUP BY origin_type, origin_name, origin_arn, origin_issuer, address
) AS n
JOIN (
  SELECT origin_type, origin_name, origin_arn, count(DISTINCT address) AS known_addresses
  FROM calls
  WHERE dt < $since
  GROUP BY origin_type, origin_name, origin_arn
) AS k
  ON k.origin_type = n.origin_type
  AND k.origin_name = n.origin_name
  AND k.origin_arn = n.origin_arn
LEFT JOIN (
  SELECT DISTINCT origin_type, origin_name, origin_arn, origin_issuer, address
  FROM calls
  WHERE dt < $since
) AS b
  ON b.origin_type = n.origin_type
  AND b.origin_name = n.origin_name
  AND b.origin_arn = n.origin_arn
  AND b.origin_issuer = n.origin_issuer
  AND b.address = n.address
WHERE b.address IS NULL
ORDER BY n.first_time, n.origin_type, n.origin_name, n.origin_arn, n.origin_issuer, n.address
