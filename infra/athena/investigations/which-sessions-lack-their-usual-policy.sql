-- Which sessions of a role that usually gets a session policy have none?
--
-- Finds: sessions between $since and $until without a session policy, of roles of which at least $percent of the sessions
--   since $baseline had one: all of them taken together, or those by the same kind of origin.
-- Read: whoever hands out restricted sessions (a broker, a vendor's tool, a pipeline) forgot to, or somebody went around it:
--   look at `origin_name`, `source_ip_address` and `user_agent` beside the usual ones. `sessions_with_policy` of
--   `sessions_of_role` is the comparison for the role, `kind_with_policy` of `sessions_of_kind` for origins of this
--   `origin_type`: one that never gets a policy, in a role that others get with one, is a second way in. A console session made
--   from a role session is that session, under its policy, and is neither listed nor counted. Where `packed_policy_size` is
--   above 0, there are a policy or tags: where the log shows neither, AWS withheld them.
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
  r.sessions_with_policy,
  r.sessions_of_role,
  k.kind_with_policy,
  k.sessions_of_kind,
  s.packed_policy_size,
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
    count(session_scope_sha256) AS sessions_with_policy,
    count(*) AS sessions_of_role
  FROM sessions_issued
  WHERE dt BETWEEN $baseline AND $until
    AND role_arn IS NOT NULL
    AND session_type <> 'Console'
  GROUP BY role_arn
) AS r ON r.role_arn = s.role_arn
JOIN (
  SELECT
    role_arn,
    origin_type,
    count(session_scope_sha256) AS kind_with_policy,
    count(*) AS sessions_of_kind
  FROM sessions_issued
  WHERE dt BETWEEN $baseline AND $until
    AND role_arn IS NOT NULL
    AND session_type <> 'Console'
  GROUP BY role_arn, origin_type
) AS k ON k.role_arn = s.role_arn AND k.origin_type = s.origin_type
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type <> 'Console'
  AND s.session_scope_sha256 IS NULL
  AND (
    (r.sessions_with_policy > 0 AND r.sessions_with_policy * 100 >= r.sessions_of_role * $percent)
    OR (k.kind_with_policy > 0 AND k.kind_with_policy * 100 >= k.sessions_of_kind * $percent)
  )
ORDER BY s.event_time, s.event_id
