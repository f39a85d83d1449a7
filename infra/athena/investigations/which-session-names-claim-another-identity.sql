-- Which session names claim to be somebody else?
--
-- Finds: role sessions named like an instance (i-…) that EC2 did not ask for, and sessions of roles and federated users
--   named like a person or an IAM user of these days whose origin is another one; small and capital letters are one. A
--   session name is free text, and many read it as the name of the user.
-- Read: `claims` says what the name claims to be, `claimed_arn` whose name it is; the origin columns say who it was. A tool
--   may name sessions after the user it works for: then the origin is the tool. Where `origin_known` is false nobody can
--   tell whether the claim holds, so such rows say `unproven`.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  'an instance' AS claims,
  CASE WHEN origin_known THEN 'false' ELSE 'unproven' END AS claim_is,
  event_time,
  event_id,
  session_name,
  session_arn,
  access_key_id,
  CAST(NULL AS varchar) AS claimed_arn,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  caller_type,
  caller_arn,
  caller_invoked_by,
  source_ip_address
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND session_type = 'AssumedRole'
  AND regexp_like(lower(session_name), '^i-([0-9a-f]{8}|[0-9a-f]{17})$')
  AND coalesce(caller_invoked_by, '') <> 'ec2.amazonaws.com'
UNION ALL
SELECT
  'a user' AS claims,
  CASE WHEN s.origin_known THEN 'false' ELSE 'unproven' END AS claim_is,
  s.event_time,
  s.event_id,
  s.session_name,
  s.session_arn,
  s.access_key_id,
  o.claimed_arn,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.caller_type,
  s.caller_arn,
  s.caller_invoked_by,
  s.source_ip_address
FROM sessions_issued AS s
JOIN (
  SELECT lower(origin_name) AS claimed_name, min(origin_arn) AS claimed_arn
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND origin_known
    AND origin_type IN ('IAMUser', 'IdentityCenterUser', 'SAMLUser')
    AND origin_name IS NOT NULL
  GROUP BY lower(origin_name)
) AS o ON o.claimed_name = lower(s.session_name)
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type IN ('AssumedRole', 'FederatedUser')
  AND (NOT s.origin_known OR lower(coalesce(s.origin_name, '')) <> lower(s.session_name))
ORDER BY claims, event_time, event_id
