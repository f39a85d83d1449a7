-- Where is the source identity missing or changed?
--
-- Finds: sessions without a source identity of roles of which at least $percent of the sessions have one; and sessions whose
--   source identity is not the one of the session that asked for them, or not the name of their origin.
-- Read: AWS lets nobody change a source identity along a chain: `changed` means that two records contradict each other, and
--   both are shown. `not the origin` is a claim, at the first hop or at the one that set it, that the log does not bear out: a
--   broker that sets its user's name does that as well. Only known origins are compared. A console session made from a role
--   session is that session: whether it lacks one is not counted.
-- Scans: the days from $since to $until, flat columns only.
--
-- $percent number: what share of a role's sessions makes a source identity usual, such as 80
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  'missing' AS finding,
  s.event_time,
  s.event_id,
  s.role_arn,
  s.session_arn,
  s.access_key_id,
  s.source_identity,
  s.caller_source_identity,
  u.with_it,
  u.sessions_of_role,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.parent_event_id
FROM sessions_issued AS s
JOIN (
  SELECT role_arn, count(source_identity) AS with_it, count(*) AS sessions_of_role
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
    AND session_type <> 'Console'
  GROUP BY role_arn
) AS u ON u.role_arn = s.role_arn
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type <> 'Console'
  AND s.source_identity IS NULL
  AND u.with_it > 0
  AND u.with_it * 100 >= u.sessions_of_role * $percent
UNION ALL
SELECT
  CASE WHEN caller_source_identity <> source_identity THEN 'changed' ELSE 'not the origin' END AS finding,
  event_time,
  event_id,
  role_arn,
  session_arn,
  access_key_id,
  source_identity,
  caller_source_identity,
  CAST(NULL AS bigint) AS with_it,
  CAST(NULL AS bigint) AS sessions_of_role,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  parent_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND (
    caller_source_identity <> source_identity
    OR (
      origin_known
      AND (caller_source_identity IS NULL OR chain_depth = 0)
      AND source_identity <> coalesce(origin_name, '')
    )
  )
ORDER BY finding, event_time, event_id
