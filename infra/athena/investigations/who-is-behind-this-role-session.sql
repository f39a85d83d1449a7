-- Who is behind this role session?
--
-- Finds: every issuance of a session with this ARN, as events and findings show it, and the identity at the beginning of its
--   chain.
-- Read: a session name is free text and may be used again: several rows are several sessions, and `event_time` with
--   `expires_at` tells which was alive. Where `origin_known` is false the origin columns name the furthest principal known.
--   `candidates` lists the issuances that fit the caller's session where there are several: the parent, and all that is said of
--   the first hop, are then those of one of them; an origin that is known they have in common. An ancestor may have candidates
--   too, and `which-records-prove-this-chain` shows them.
-- Scans: the days from $since to $until, flat columns and the list of candidates.
--
-- $session_arn text: such as arn:aws:sts::111122223333:assumed-role/deploy/anna
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  event_time,
  expires_at,
  event_id,
  event_name,
  session_type,
  session_principal_id,
  access_key_id,
  role_arn,
  caller_type,
  caller_arn,
  source_ip_address,
  user_agent,
  source_identity,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_account_id,
  origin_event_id,
  origin_event_time,
  origin_source_ip_address,
  origin_mfa,
  session_mfa,
  link_status,
  link_evidence,
  gap_reason,
  array_join(link_candidates, ' ') AS candidates,
  parent_event_id,
  chain_depth
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND session_arn = $session_arn
ORDER BY event_time, event_id
