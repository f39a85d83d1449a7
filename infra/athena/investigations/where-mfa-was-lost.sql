-- Where was MFA presented at the origin, but is no longer seen in the session?
--
-- Finds: sessions whose origin had MFA while neither the call nor the caller's session shows it: policies with
--   aws:MultiFactorAuthPresent deny them, and rules that look at the session alone take them for sessions without MFA.
-- Read: role chaining drops MFA: most rows are no attack. They answer "was there MFA after all?" with yes: `origin_event_id`
--   is the call that shows it. Sessions whose origin's MFA is unknown are in neither this list nor its reverse.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  event_time,
  event_id,
  session_type,
  session_arn,
  role_arn,
  access_key_id,
  chain_depth,
  session_mfa,
  caller_mfa,
  origin_mfa,
  origin_type,
  origin_name,
  origin_arn,
  origin_event_id,
  origin_event_time,
  parent_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND chain_mfa_lost
ORDER BY event_time, event_id
