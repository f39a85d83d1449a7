-- What did root do, and who used AssumeRoot?
--
-- Finds: every call for credentials at whose beginning a root user stands, and every AssumeRoot into a member account, refused
--   ones included.
-- Read: `task_policy_arn` says what an AssumeRoot session is limited to. Root should hardly ever appear; each row deserves an
--   explanation.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  event_time,
  event_id,
  event_name,
  outcome,
  error_code,
  session_type,
  recipient_account_id,
  session_arn,
  access_key_id,
  task_policy_arn,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_mfa,
  session_mfa,
  chain_depth,
  source_ip_address,
  user_agent
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND (origin_type = 'Root' OR event_name = 'AssumeRoot')
ORDER BY event_time, event_id
