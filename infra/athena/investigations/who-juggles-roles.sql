-- Who juggles roles to outlive the hour that chained sessions have?
--
-- Finds: sessions of a role that is also among its own ancestors (A assumes B assumes A, or A assumes itself), handed out more
--   than $seconds after the chain began: access that renews itself without its origin.
-- Read: `seconds_since_origin` is the age of the chain, `same_role_before` how often the role stands among its nearest 32
--   ancestors. A console session made from a role session is that session, and is not listed. The keys to revoke are those of
--   the last session; the identity to ask is the origin.
-- Scans: the days from $since to $until, with the list of the chain's roles; Athena reads whole rows for it.
--
-- $seconds number: how old the chain must be, such as 3600
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  s.event_time,
  s.event_id,
  s.role_arn,
  s.session_arn,
  s.access_key_id,
  s.expires_at,
  s.chain_depth,
  s.chain_truncated,
  r.same_role_before,
  date_diff('second', s.origin_event_time, s.event_time) AS seconds_since_origin,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.origin_event_id,
  s.origin_event_time,
  s.source_ip_address,
  s.parent_event_id
FROM sessions_issued AS s
JOIN (
  SELECT event_id, count(*) AS same_role_before
  FROM session_chains
  WHERE dt BETWEEN $since AND $until
    AND ancestor_role_arn = role_arn
  GROUP BY event_id
) AS r ON r.event_id = s.event_id
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type <> 'Console'
  AND s.chain_depth > 0
  AND date_diff('second', s.origin_event_time, s.event_time) > $seconds
ORDER BY s.event_time, s.event_id
