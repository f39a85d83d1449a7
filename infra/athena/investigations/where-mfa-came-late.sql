-- Where is MFA seen in the session, but was not presented at the origin?
--
-- Finds: sessions whose call or caller shows MFA although the chain began without it.
-- Read: the device is the one in `mfa_serial_number`; compare its owner with the origin. Somebody who began with a bare key
--   and presented a device later either stepped up as meant, or registered a device of his own with a stolen key. An origin
--   whose MFA is unknown is not listed.
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
  mfa_serial_number,
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
  AND NOT origin_mfa
  AND (session_mfa OR caller_mfa)
ORDER BY event_time, event_id
