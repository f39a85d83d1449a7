-- Which tag values were carried by sessions of several origins?
--
-- Finds: values of one tag that more than one known origin carried: an e-mail address, an owner or a ticket that changed hands.
--   A web identity is known by the issuer of its token and its subject.
-- Read: one row for each value and origin, so that the first bearer and the later ones stand below each other. A value that
--   stands for a group (a department) is shared by its nature: ask for tags that stand for one person or one task. Origins
--   behind gaps are left out: they may be the same one.
-- Scans: the days from $since to $until, with the map of tags; Athena reads whole rows for it.
--
-- $tag_key text: the tag, such as Email; small and capital letters are one
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  t.tag_value,
  v.origins,
  t.origin_type,
  t.origin_name,
  t.origin_arn,
  t.origin_issuer,
  count(*) AS sessions,
  count(DISTINCT t.role_arn) AS roles,
  min(t.event_time) AS first_time,
  max(t.event_time) AS last_time,
  min(t.event_id) AS an_event_id
FROM session_tags AS t
JOIN (
  SELECT
    tag_value,
    count(
      DISTINCT origin_type || ' ' || coalesce(origin_arn, '') || ' ' || coalesce(origin_issuer, '') || ' '
        || coalesce(origin_name, '')
    ) AS origins
  FROM session_tags
  WHERE dt BETWEEN $since AND $until
    AND lower(tag_key) = lower($tag_key)
    AND origin_known
  GROUP BY tag_value
) AS v ON v.tag_value = t.tag_value
WHERE t.dt BETWEEN $since AND $until
  AND lower(t.tag_key) = lower($tag_key)
  AND t.origin_known
  AND v.origins > 1
GROUP BY t.tag_value, v.origins, t.origin_type, t.origin_name, t.origin_arn, t.origin_issuer
ORDER BY t.tag_value, first_time, t.origin_type, t.origin_name, t.origin_arn, t.origin_issuer
