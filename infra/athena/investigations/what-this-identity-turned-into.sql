-- What did this identity turn into, at any depth?
--
-- Finds: every call for credentials at whose beginning the identity stands, or may stand, refused ones and witnesses included.
-- Read: `chain_depth` 0 is its own call, 1 a call of a session that came from it, and so on. `descends` is may where several
--   issuances fit a caller's session, of this identity and of others, and the logs do not tell whose it was: `origin_event_id`
--   is the call where that began, `chain_depth` counts from there. What happened behind any other gap, or behind two such
--   choices, is not here: ask `where-chains-break` for the same days. Of a name that several bear (a subject of two providers,
--   a user name in two accounts) the rows of all are here, and the origin columns tell them apart. `chain_mfa_lost` marks
--   sessions that no longer show its MFA.
-- Scans: the days from $since to $until, with the list of candidates; Athena reads whole rows for it.
--
-- $origin text: its ARN, such as arn:aws:iam::111122223333:user/anna, or its name where it has none (a subject, a service); of
--   a web or SAML identity also its provider and its name, with a space between
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
WITH shared AS (
  -- Calls whose caller's session issuances of this identity fit, and of others.
  SELECT DISTINCT f.event_id
  FROM (
    SELECT s.event_id, t.candidate
    FROM sessions AS s
    CROSS JOIN UNNEST(s.link_candidates) AS t (candidate)
    WHERE s.dt BETWEEN $since AND $until
      AND s.gap_reason = 'ambiguous'
  ) AS f
  JOIN sessions AS c ON c.event_id = f.candidate
  WHERE c.dt BETWEEN $since AND $until
    AND (c.origin_arn = $origin OR c.origin_name = $origin OR c.origin_identity_provider || ' ' || c.origin_name = $origin)
    AND c.origin_known
)
SELECT
  CASE WHEN m.event_id IS NULL THEN 'yes' ELSE 'may' END AS descends,
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
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.origin_identity_provider,
  s.origin_access_key_id,
  s.origin_event_id,
  s.chain_depth,
  s.crosses_accounts,
  s.parent_event_id,
  s.caller_arn,
  s.source_ip_address,
  s.user_agent,
  s.session_scope_sha256,
  s.session_mfa,
  s.origin_mfa,
  s.chain_mfa_lost
FROM sessions AS s
LEFT JOIN shared AS m ON m.event_id = s.origin_event_id
WHERE s.dt BETWEEN $since AND $until
  AND (
    m.event_id IS NOT NULL
    OR (
      (s.origin_arn = $origin OR s.origin_name = $origin OR s.origin_identity_provider || ' ' || s.origin_name = $origin)
      AND s.origin_known
    )
  )
ORDER BY s.event_time, s.event_id
