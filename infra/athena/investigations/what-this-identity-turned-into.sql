-- What did this identity turn into, at any depth?
--
-- Finds: every call for credentials at whose beginning the identity stands, refused ones and witnesses included.
-- Read: `chain_depth` 0 is its own call, 1 a call of a session that came from it, and so on. What happened behind a gap is
--   not here: ask `where-chains-break` for the same days. `chain_mfa_lost` marks sessions that no longer show its MFA.
-- Scans: the days from $since to $until, flat columns only.
--
-- $origin text: its ARN, such as arn:aws:iam::111122223333:user/anna, or its name where it has none (a subject, a service)
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  event_time,
  expires_at,
  event_id,
  event_name,
  outcome,
  error_code,
  session_type,
  session_arn,
  role_arn,
  access_key_id,
  origin_arn,
  origin_access_key_id,
  chain_depth,
  crosses_accounts,
  parent_event_id,
  caller_arn,
  source_ip_address,
  user_agent,
  session_scope_sha256,
  session_mfa,
  origin_mfa,
  chain_mfa_lost
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND (origin_arn = $origin OR origin_name = $origin)
  AND origin_known
ORDER BY event_time, event_id
