-- Which session policies are passed for each role?
--
-- Finds: for each role, every restriction its sessions were given, inline and managed policies taken together, with how often
--   and by how many origins; and how many sessions had none.
-- Read: `session_scope_sha256` is the same where the restriction is the same, whatever the spaces and the order of its JSON;
--   null is "no policy passed", so the session may do all that the role may. `trailback policies` shows the text. A console
--   session made from a role session is that session, under its policy, and is not counted.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  role_arn,
  session_scope_sha256,
  count(*) AS sessions,
  count(
    DISTINCT origin_type || ' ' || coalesce(origin_arn, '') || ' ' || coalesce(origin_name, '')
      || CASE WHEN origin_type = 'WebIdentityUser' THEN coalesce(' ' || origin_identity_provider, '') ELSE '' END
  ) AS origins,
  max(packed_policy_size) AS most_packed_policy_size,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND role_arn IS NOT NULL
  AND session_type <> 'Console'
  AND role_arn IN (
    SELECT role_arn
    FROM sessions_issued
    WHERE dt BETWEEN $since AND $until
      AND role_arn IS NOT NULL
      AND session_scope_sha256 IS NOT NULL
  )
GROUP BY role_arn, session_scope_sha256
ORDER BY role_arn, sessions DESC, session_scope_sha256
