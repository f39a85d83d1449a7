-- Who reached sensitive roles without MFA?
--
-- Finds: sessions of the roles whose names fit, in which no MFA is seen: not on the call, not in the caller's session, not
--   at the origin.
-- Read: `mfa` is no where the logs say so, and unknown where they say nothing: federation and Identity Center do not tell
--   AWS of the MFA at the identity provider, and nothing is known behind a gap. Unknown is not no. Workloads and services
--   have no device and are left out.
-- Scans: the days from $since to $until, flat columns only.
--
-- $role_name text: names of the roles, with % for any text, such as %admin%; small and capital letters are one
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  event_time,
  event_id,
  role_arn,
  session_arn,
  access_key_id,
  CASE
    WHEN origin_type IN ('SAMLUser', 'IdentityCenterUser', 'WebIdentityUser') THEN 'unknown'
    WHEN NOT origin_mfa THEN 'no'
    ELSE 'unknown'
  END AS mfa,
  session_mfa,
  caller_mfa,
  origin_mfa,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_event_id,
  link_status,
  gap_reason,
  chain_depth,
  source_ip_address
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND lower(role_name) LIKE lower($role_name)
  AND origin_type NOT IN ('AWSService', 'Compute', 'Certificate')
  AND coalesce(session_mfa, false) = false
  AND coalesce(caller_mfa, false) = false
  AND coalesce(origin_mfa, false) = false
ORDER BY event_time, event_id
