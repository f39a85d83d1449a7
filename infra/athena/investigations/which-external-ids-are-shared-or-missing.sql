-- Which external IDs are shared by several accounts, easy to guess, or missing?
--
-- Finds: three weaknesses against the confused deputy: one external ID sent by callers of several accounts, an external ID
--   that is only an account number, and entries from accounts outside the logs without any.
-- Read: `finding` says which. A vendor must give each customer an ID of its own: one that several accounts send is a password
--   that several know. Missing ones are listed by account and role: for a partner that is one company with you it is
--   in order.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  'shared' AS finding,
  s.external_id,
  s.caller_account_id,
  s.role_arn,
  count(*) AS sessions,
  min(s.event_time) AS first_time,
  max(s.event_time) AS last_time,
  min(s.event_id) AS an_event_id
FROM sessions_issued AS s
JOIN (
  SELECT external_id
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND external_id IS NOT NULL
  GROUP BY external_id
  HAVING count(DISTINCT caller_account_id) > 1
) AS e ON e.external_id = s.external_id
WHERE s.dt BETWEEN $since AND $until
GROUP BY s.external_id, s.caller_account_id, s.role_arn
UNION ALL
SELECT
  'an account number' AS finding,
  external_id,
  caller_account_id,
  role_arn,
  count(*) AS sessions,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND regexp_like(external_id, '^[0-9]{12}$')
GROUP BY external_id, caller_account_id, role_arn
UNION ALL
SELECT
  'missing' AS finding,
  external_id,
  caller_account_id,
  role_arn,
  count(*) AS sessions,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND caller_type = 'AWSAccount'
  AND external_id IS NULL
GROUP BY external_id, caller_account_id, role_arn
ORDER BY finding, external_id, caller_account_id, role_arn
