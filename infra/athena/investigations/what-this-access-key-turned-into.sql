-- What did this access key turn into, at any depth?
--
-- Finds: every call for credentials behind which the key stands: made with it, or with a session that came from it, however
--   many roles lie between. Refused calls too: they show what was tried.
-- Read: `steps` is how many hops lie between the key and the row: 1 is a call made with the key itself. Everything handed
--   out here is to be taken for stolen if the key was, until `expires_at`. `origin_known` false does not weaken the row: the
--   way from the key to it is known, only the way to the key is not. A temporary key ID may recur after weeks; keep the days
--   near. A row has the 32 nearest hops of its chain: what a temporary key turned into beyond 32 hops is not here, where
--   `chain_truncated` is true in the last rows, and `trailback descendants` follows it. A long-term key has no such limit. Where
--   several issuances fit a caller (`link_candidates`), and they began with different keys, no row says with which: what a
--   long-term key turned into from there on is not here, and `trailback descendants` shows it, as what may descend.
-- Scans: the days from $since to $until, with the list of the chain's keys; Athena reads whole rows for it.
--
-- $access_key_id text: the key as the alert shows it, long-term or temporary
-- $since day: first day to look at, the day from which the key may have been stolen
-- $until day: last day to look at
WITH reached AS (
  SELECT event_id, 1 AS steps
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND caller_access_key_id = $access_key_id
  UNION ALL
  SELECT event_id, chain_depth + 1 AS steps
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND origin_access_key_id = $access_key_id
  UNION ALL
  SELECT event_id, distance AS steps
  FROM session_chains
  WHERE dt BETWEEN $since AND $until
    AND ancestor_access_key_id = $access_key_id
),
nearest AS (
  SELECT event_id, min(steps) AS steps
  FROM reached
  GROUP BY event_id
)
SELECT
  n.steps,
  s.event_time,
  s.expires_at,
  s.event_id,
  s.event_name,
  s.outcome,
  s.error_code,
  s.session_type,
  s.session_arn,
  s.role_arn,
  s.access_key_id,
  s.caller_arn,
  s.caller_access_key_id,
  s.source_ip_address,
  s.user_agent,
  s.session_scope_sha256,
  s.link_evidence,
  s.gap_reason,
  s.origin_known,
  s.origin_name,
  s.parent_event_id,
  s.chain_truncated
FROM nearest AS n
JOIN sessions AS s ON s.event_id = n.event_id
WHERE s.dt BETWEEN $since AND $until
ORDER BY s.event_time, s.event_id
