-- Which sessions carry other tags than their role usually does?
--
-- Finds: sessions that lack a tag key which at least $percent of the role's sessions carry, or carry one that at most
--   100 - $percent of them do. Access by attributes stands on tags: a missing or strange one is a way around it.
-- Read: `finding` is lacks or carries, `sessions_with_it` of `sessions_of_role` the comparison. Only roles with at least 10
--   sessions are compared. Sessions whose inherited tags are unknown are left out, and so are console sessions made from a role
--   session, which are that session. Keys that differ in case alone are one.
-- Scans: the days from $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $percent number: what share of a role's sessions makes a tag usual, such as 90
-- $since day: first day to look at; a week or more, for there to be a usual
-- $until day: last day to look at
WITH key_sets AS (
  -- Few sets of tag keys stand for many sessions; AWS allows no comma in a key.
  SELECT
    role_arn,
    coalesce(array_join(map_keys(effective_tags), ','), '') AS tag_keys,
    arbitrary(map_keys(effective_tags)) AS tag_key_list,
    count(*) AS sessions
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
    AND session_type <> 'Console'
    AND effective_tags_known
  GROUP BY role_arn, coalesce(array_join(map_keys(effective_tags), ','), '')
),
carried AS (
  SELECT k.role_arn, k.tag_keys, k.sessions, t.tag_key
  FROM key_sets AS k
  CROSS JOIN UNNEST(k.tag_key_list) AS t (tag_key)
),
roles AS (
  SELECT role_arn, sum(sessions) AS sessions_of_role
  FROM key_sets
  GROUP BY role_arn
  HAVING sum(sessions) >= 10
),
usual AS (
  SELECT
    r.role_arn,
    r.sessions_of_role,
    lower(c.tag_key) AS lower_key,
    min(c.tag_key) AS tag_key,
    sum(c.sessions) AS sessions_with_it
  FROM roles AS r
  JOIN carried AS c ON c.role_arn = r.role_arn
  GROUP BY r.role_arn, r.sessions_of_role, lower(c.tag_key)
),
found AS (
  SELECT
    'lacks' AS finding,
    k.role_arn,
    k.tag_keys,
    u.tag_key,
    u.sessions_with_it,
    u.sessions_of_role
  FROM key_sets AS k
  JOIN usual AS u ON u.role_arn = k.role_arn
  LEFT JOIN carried AS c
    ON c.role_arn = k.role_arn
    AND c.tag_keys = k.tag_keys
    AND lower(c.tag_key) = u.lower_key
  WHERE c.role_arn IS NULL
    AND u.sessions_with_it * 100 >= u.sessions_of_role * $percent
  UNION ALL
  SELECT
    'carries' AS finding,
    c.role_arn,
    c.tag_keys,
    c.tag_key,
    u.sessions_with_it,
    u.sessions_of_role
  FROM carried AS c
  JOIN usual AS u ON u.role_arn = c.role_arn AND u.lower_key = lower(c.tag_key)
  WHERE u.sessions_with_it * 100 <= u.sessions_of_role * (100 - $percent)
)
SELECT
  f.finding,
  f.tag_key,
  CASE WHEN f.finding = 'carries' THEN element_at(s.effective_tags, f.tag_key) END AS tag_value,
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
JOIN sessions_issued AS s
  ON s.role_arn = f.role_arn
  AND coalesce(array_join(map_keys(s.effective_tags), ','), '') = f.tag_keys
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type <> 'Console'
  AND s.effective_tags_known
ORDER BY s.role_arn, f.tag_key, s.event_time, s.event_id, f.finding
