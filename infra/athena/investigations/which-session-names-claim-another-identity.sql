-- Which session names claim to be somebody else?
--
-- Finds: role sessions named like an instance (i-…) that EC2 did not ask for, and sessions of roles and federated users named
--   like a person or an IAM user of these days whose origin is another one, or one of several of that name; small and capital
--   letters are one. A session name is free text, and many read it as the name of the user.
-- Read: `claims` says what the name claims to be, `bearer_list` who bears it: IAM users by ARN, people who sign in elsewhere
--   (SAML, Identity Center) in one word, since one person comes by several providers. The origin columns say who it was.
--   `claim_is` false: the origin bears another name. A tool may name sessions after the user it works for: then the origin is
--   the tool. shared: the origin bears the name, and so does somebody else, as a user of another account. unproven: the origin
--   is not known, and nobody can tell whether the claim holds.
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
  CAST(NULL AS bigint) AS bearers,
  CAST(NULL AS varchar) AS bearer_list,
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
  CASE
    WHEN NOT s.origin_known THEN 'unproven'
    WHEN lower(coalesce(s.origin_name, '')) = lower(s.session_name) THEN 'shared'
    ELSE 'false'
  END AS claim_is,
  s.event_time,
  s.event_id,
  s.session_name,
  s.session_arn,
  s.access_key_id,
  o.bearers,
  o.bearer_list,
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
  SELECT
    claimed_name,
    count(*) AS bearers,
    array_join(array_agg(bearer ORDER BY bearer), ' ') AS bearer_list
  FROM (
    SELECT DISTINCT
      lower(origin_name) AS claimed_name,
      CASE WHEN origin_type = 'IAMUser' THEN coalesce(origin_arn, 'IAMUser') ELSE 'signs-in-elsewhere' END AS bearer
    FROM sessions_issued
    WHERE dt BETWEEN $since AND $until
      AND origin_known
      AND origin_type IN ('IAMUser', 'IdentityCenterUser', 'SAMLUser')
      AND origin_name IS NOT NULL
  ) AS b
  GROUP BY claimed_name
) AS o ON o.claimed_name = lower(s.session_name)
WHERE s.dt BETWEEN $since AND $until
  AND s.session_type IN ('AssumedRole', 'FederatedUser')
  AND (
    NOT s.origin_known
    OR lower(coalesce(s.origin_name, '')) <> lower(s.session_name)
    OR s.origin_type NOT IN ('IAMUser', 'IdentityCenterUser', 'SAMLUser')
    OR o.bearers > 1
  )
ORDER BY claims, event_time, event_id
