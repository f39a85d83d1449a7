-- Which tags changed their value on the way from one session to the next?
--
-- Finds: sessions that carry a tag with another value than the session that asked for them: a tag that was meant to identify
--   somebody or something, set anew by its bearer.
-- Read: a transitive tag cannot be changed by the next call, so what stands here was not transitive. `value_before` is the
--   parent's. Only links to one certain parent are compared.
--   AWS takes keys that differ in case for one.
-- Scans: the days from two before $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  c.event_time,
  c.event_id,
  c.tag_key,
  p.tag_value AS value_before,
  c.tag_value AS value_now,
  c.role_arn,
  c.session_arn,
  p.event_id AS parent_event_id,
  p.role_arn AS parent_role_arn,
  p.session_arn AS parent_session_arn,
  c.origin_known,
  c.origin_type,
  c.origin_name,
  c.origin_arn
FROM session_tags AS c
JOIN session_tags AS p
  ON p.event_id = c.parent_event_id
  AND lower(p.tag_key) = lower(c.tag_key)
WHERE c.dt BETWEEN $since AND $until
  AND p.dt BETWEEN substr(CAST(CAST($since AS date) - INTERVAL '2' DAY AS varchar), 1, 10) AND $until
  AND NOT c.has_candidates
  AND p.tag_value <> c.tag_value
ORDER BY c.event_time, c.event_id, c.tag_key
