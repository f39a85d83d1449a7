-- Which values of a tag does each origin carry, into which roles?
--
-- Finds: for tags that decide on access (jobfunction, project, department): value by origin and role, with the number of
--   sessions.
-- Read: an origin with more values than it has jobs is worth a look; so is a value with an origin that nobody expects.
--   `origin_known` false: the origin columns name the furthest principal known. `origin_issuer` is who issued a web identity's
--   token.
-- Scans: the days from $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $tag_key text: the tag, with % for any text, such as %project; small and capital letters are one
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  tag_key,
  tag_value,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_issuer,
  role_arn,
  count(*) AS sessions,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM session_tags
WHERE dt BETWEEN $since AND $until
  AND lower(tag_key) LIKE lower($tag_key)
GROUP BY tag_key, tag_value, origin_known, origin_type, origin_name, origin_arn, origin_issuer, role_arn
ORDER BY tag_key, tag_value, sessions DESC, origin_type, origin_name, origin_arn, origin_issuer, role_arn, origin_known
