-- Which session policies were never passed before?
--
-- Finds: restrictions passed for a role between $since and $until, but not for that role between $baseline and $since.
-- Read: `seen_elsewhere` is true where another role got the same before: then it is known and only its use is new. A policy
--   that differs in one byte of meaning is another one: `trailback policies` shows the difference.
-- Scans: the days from $baseline to $until, flat columns only.
--
-- $baseline day: first day of the history to compare with, such as 2026-10-20
-- $since day: first day to report, such as 2026-11-20
-- $until day: last day to report
SELECT
  n.role_arn,
  n.session_scope_sha256,
  n.sessions,
  n.origins,
  n.first_time,
  n.an_event_id,
  e.session_scope_sha256 IS NOT NULL AS seen_elsewhere
FROM (
  SELECT
    role_arn,
    session_scope_sha256,
    count(*) AS sessions,
    count(
      DISTINCT origin_type || ' ' || coalesce(origin_arn, '') || ' ' || coalesce(origin_name, '')
        || CASE WHEN origin_type = 'WebIdentityUser' THEN coalesce(' ' || origin_identity_provider, '') ELSE '' END
    ) AS origins,
    min(event_time) AS first_time,
    min(event_id) AS an_event_id
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND session_scope_sha256 IS NOT NULL
    AND role_arn IS NOT NULL
  GROUP BY role_arn, session_scope_sha256
) AS n
LEFT JOIN (
  SELECT DISTINCT role_arn, session_scope_sha256
  FROM sessions_issued
  WHERE dt >= $baseline
    AND dt < $since
    AND session_scope_sha256 IS NOT NULL
) AS b ON b.role_arn = n.role_arn AND b.session_scope_sha256 = n.session_scope_sha256
LEFT JOIN (
  SELECT DISTINCT session_scope_sha256
  FROM sessions_issued
  WHERE dt >= $baseline
    AND dt < $since
    AND session_scope_sha256 IS NOT NULL
) AS e ON e.session_scope_sha256 = n.session_scope_sha256
WHERE b.role_arn IS NULL
ORDER BY n.first_time, n.role_arn, n.session_scope_sha256
