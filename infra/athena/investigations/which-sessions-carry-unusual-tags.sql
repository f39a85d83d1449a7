-- Which sessions carry other tags than their role usually does?
--
-- Finds: sessions that lack a tag key which at least $percent of the role's sessions carry, or carry one that at most
--   100 - $percent of them do. Access by attributes stands on tags: a missing or strange one is a way around it.
-- Read: `finding` is lacks or carries, `sessions_with_it` of `sessions_of_role` the comparison. Only roles with at least 10
--   sessions are compared. Sessions whose inherited tags are unknown are never said to lack one.
-- Scans: the days from $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $percent number: what share of a role's sessions makes a tag usual, such as 90
-- $since day: first day to look at; a week or more, for there to be a usual
-- $until day: last day to look at
WITH roles AS (
  SELECT
    role_arn,
    count(*) AS sessions_of_role
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
    AND effective_tags_known
  GROUP BY role_arn
  HAVING count(*) >= 10
),
carried AS (
  SELECT event_id, role_arn, tag_key, tag_value
  FROM session_tags
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
    AND effective_tags_known
),
usual AS (
  SELECT
    r.role_arn,
    r.sessions_of_role,
    c.tag_key,
    count(*) AS sessions_with_it
  FROM roles AS r
  JOIN carried AS c ON c.role_arn = r.role_arn
  GROUP BY r.role_arn, r.sessions_of_role, c.tag_key
),
found AS (
  SELECT
    'lacks' AS finding,
    s.event_id,
    u.tag_key,
    CAST(NULL AS varchar) AS tag_value,
    u.sessions_with_it,
    u.sessions_of_role
  FROM sessions_issued AS s
  JOIN usual AS u ON u.role_arn = s.role_arn
  LEFT JOIN carried AS c ON c.event_id = s.event_id AND c.tag_key = u.tag_key
  WHERE s.dt BETWEEN $since AND $until
    AND s.effective_tags_known
    AND c.event_id IS NULL
    AND u.sessions_with_it * 100 >= u.sessions_of_role * $percent
  UNION ALL
  SELECT
    'carries' AS finding,
    c.event_id,
    c.tag_key,
    c.tag_value,
    u.sessions_with_it,
    u.sessions_of_role
  FROM carried AS c
  JOIN usual AS u ON u.role_arn = c.role_arn AND u.tag_key = c.tag_key
  WHERE u.sessions_with_it * 100 <= u.sessions_of_role * (100 - $percent)
)
SELECT
  f.finding,
  f.tag_key,
  f.tag_value,
  f.sessions_with_it,
  f.sessions_of_role,
  s.event_time,
  s.event_id,
  s.role_arn,
  s.session_arn,
  s.access_key_id,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.parent_event_id
FROM found AS f
JOIN sessions_issued AS s ON s.event_id = f.event_id
WHERE s.dt BETWEEN $since AND $until
ORDER BY s.role_arn, f.tag_key, s.event_time, s.event_id, f.finding
