-- Who is behind this access key?
--
-- Finds: the issuance that handed the key out, and every further session that was asked for with it, each with the identity at
--   the beginning of its chain. Works for temporary keys (ASIA…) and long-term ones (AKIA…).
-- Read: `part` says what the key does in the row: `handed out` is the session itself, `made the call` is a session asked for
--   with it. Where `origin_known` is false the origin columns name the furthest principal known, and `gap_reason` says why the
--   way ends there. `candidates` lists the issuances that fit the caller's session where there are several: the parent, and all
--   that is said of the first hop, are then those of one of them; an origin that is known they have in common. An ancestor may
--   have candidates too, and `which-records-prove-this-chain` shows them. No row of either kind means that no such call is in
--   the logs of these days, and not that the key is harmless. Take `event_id` to `which-records-prove-this-chain` for the
--   evidence.
-- Scans: the days from $since to $until, flat columns and the list of candidates. Both halves ask for one key, which Bloom
--   filters answer: a key may be used up to 36 hours after it was handed out, so begin two days before the alert.
--
-- $access_key_id text: the key as the alert shows it, such as ASIAIOSFODNN7EXAMPLE
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  'handed out' AS part,
  event_time,
  event_id,
  event_name,
  outcome,
  session_type,
  session_arn,
  role_arn,
  access_key_id,
  expires_at,
  caller_arn,
  caller_access_key_id,
  source_ip_address,
  user_agent,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_account_id,
  origin_event_id,
  origin_event_time,
  origin_source_ip_address,
  origin_mfa,
  link_status,
  link_evidence,
  gap_reason,
  array_join(link_candidates, ' ') AS candidates,
  parent_event_id,
  chain_depth
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND access_key_id = $access_key_id
UNION ALL
SELECT
  'made the call' AS part,
  event_time,
  event_id,
  event_name,
  outcome,
  session_type,
  session_arn,
  role_arn,
  access_key_id,
  expires_at,
  caller_arn,
  caller_access_key_id,
  source_ip_address,
  user_agent,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_account_id,
  origin_event_id,
  origin_event_time,
  origin_source_ip_address,
  origin_mfa,
  link_status,
  link_evidence,
  gap_reason,
  array_join(link_candidates, ' ') AS candidates,
  parent_event_id,
  chain_depth
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND caller_access_key_id = $access_key_id
ORDER BY part, event_time, event_id
