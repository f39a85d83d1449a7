-- Which sessions of a role that usually gets a session policy have none?
--
-- Finds: sessions between $since and $until without a session policy, of roles of which at least $percent of the sessions
--   since $baseline, by the same kind of origin, had one.
-- Read: whoever hands out restricted sessions (a broker, a vendor's tool, a pipeline) forgot to, or somebody went around it:
--   look at `origin_name`, `source_ip_address` and `user_agent` beside the usual ones.
-- Scans: the days from $baseline to $until, flat columns only.
--
-- $percent number: what share makes a policy usual, such as 80
-- $baseline day: first day of the history to compare with, such as 2026-10-20
-- $since day: first day to report, such as 2026-11-20
-- $until day: last day to report
SELECT
  s.event_time,
  s.event_id,
  s.role_arn,
  s.session_arn,
  s.access_key_id,
  u.sessions_with_policy,
  u.sessions_of_role,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.chain_depth,
  s.source_ip_address,
  s.user_agent
FROM sessions_issued AS s
JOIN (
  SELECT
    role_arn,
    origin_type,
    count(session_scope_sha256) AS sessions_with_policy,
    count(*) AS sessions_of_role
  FROM sessions_issued
  WHERE dt BETWEEN $baseline AND $until
    AND role_arn IS NOT NULL
  GROUP BY role_arn, origin_type
) AS u ON u.role_arn = s.role_arn AND u.origin_type = s.origin_type
WHERE s.dt BETWEEN $since AND $until
  AND s.session_scope_sha256 IS NULL
  AND u.sessions_with_policy * 100 >= u.sessions_of_role * $percent
  AND u.sessions_with_policy > 0
ORDER BY s.event_time, s.event_id
