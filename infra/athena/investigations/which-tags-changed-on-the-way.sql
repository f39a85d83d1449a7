-- Which tags changed their value on the way from one session to the next?
--
-- Finds: sessions that carry a tag with another value than the session that asked for them: a tag that was meant to identify
--   somebody or something, set anew by its bearer.
-- Read: a transitive tag cannot be changed by the next call, so what stands here was not transitive. `value_before` is the
--   parent's. Only links to one certain parent are compared. Keys that differ in case alone are one.
-- Scans: the days from two before $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
WITH links AS (
  -- What a session inherited is its parent's value: only a call with tags of its own can have changed one.
  SELECT
    c.event_time,
    c.event_id,
    c.role_arn,
    c.session_arn,
    c.origin_known,
    c.origin_type,
    c.origin_name,
    c.origin_arn,
    c.session_tags,
    p.event_id AS parent_event_id,
    p.role_arn AS parent_role_arn,
    p.session_arn AS parent_session_arn,
    p.effective_tags AS parent_tags
  FROM sessions_issued AS c
  JOIN sessions_issued AS p ON p.event_id = c.parent_event_id
  WHERE c.dt BETWEEN $since AND $until
    AND p.dt BETWEEN substr(CAST(CAST($since AS date) - INTERVAL '2' DAY AS varchar), 1, 10) AND $until
    AND coalesce(cardinality(c.link_candidates), 0) < 2
    AND cardinality(map_keys(c.session_tags)) > 0
    AND cardinality(map_keys(p.effective_tags)) > 0
)
SELECT
  l.event_time,
  l.event_id,
  c.tag_key,
  element_at(l.parent_tags, p.parent_key) AS value_before,
  element_at(l.session_tags, c.tag_key) AS value_now,
  l.role_arn,
  l.session_arn,
  l.parent_event_id,
  l.parent_role_arn,
  l.parent_session_arn,
  l.origin_known,
  l.origin_type,
  l.origin_name,
  l.origin_arn
FROM links AS l
CROSS JOIN UNNEST(map_keys(l.session_tags)) AS c (tag_key)
CROSS JOIN UNNEST(map_keys(l.parent_tags)) AS p (parent_key)
WHERE lower(p.parent_key) = lower(c.tag_key)
  AND element_at(l.parent_tags, p.parent_key) <> element_at(l.session_tags, c.tag_key)
ORDER BY l.event_time, l.event_id, c.tag_key
