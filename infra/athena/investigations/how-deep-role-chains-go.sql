-- How deep do role chains go, and who builds them?
--
-- Finds: for each origin and role reached through at least $min_depth earlier sessions, how often, over how many accounts and
--   since when.
-- Read: depth 0 is a call of the origin itself. Deep chains are usual for deployment tools and rare for people. A console
--   session made from a role session is that session and not counted here, though it adds a hop to what is asked for from it.
--   Where `origin_known` is false the chain is at least as deep as it says.
-- Scans: the days from $since to $until, flat columns only.
--
-- $min_depth number: how many sessions must lie between origin and role, such as 2
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  chain_depth,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  role_arn,
  count(*) AS sessions,
  count(DISTINCT session_name) AS session_names,
  sum(CASE WHEN crosses_accounts THEN 1 ELSE 0 END) AS across_accounts,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND session_type <> 'Console'
  AND chain_depth >= $min_depth
GROUP BY chain_depth, origin_known, origin_type, origin_name, origin_arn, role_arn
ORDER BY chain_depth DESC, sessions DESC, origin_arn, origin_name, origin_type, role_arn, origin_known
