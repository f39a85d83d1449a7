-- Which sessions of an origin were alive at this moment?
--
-- Finds: the sessions that had been handed out and had not expired at a moment, by whom they began, or may have begun: what to
--   revoke, or who could have done it.
-- Read: `descends` is may where several issuances fit a caller's session, this origin's among them, and the logs do not tell
--   whose it was; `origin_event_id` is the call where that began. What lies behind any other gap, or behind two such choices,
--   may be anybody's and is not here: ask `where-chains-break`. `alive` is yes where the log says when the credentials expire.
--   It is unknown where the log says nothing, and where it says less than was asked for, as of a console session by SAML, which
--   outlives the 15 minutes of its credentials: such a session lasts up to 36 hours and is listed for as long.
--   AWSRevokeOlderSessions on a role ends the sessions of that role, and not those that came from them.
-- Scans: the days from $since to $until, with the list of candidates; Athena reads whole rows for it.
--
-- $origin text: part of the origin's ARN or name, with % for any text, such as %anna%; % alone for everybody
-- $at time: the moment, UTC, such as 2026-11-20 14:03:00
-- $since day: first day to look at; two days before the moment is enough
-- $until day: last day to look at
WITH shared AS (
  -- Calls whose caller's session issuances of this origin fit, and of others.
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
    AND (c.origin_arn LIKE $origin OR c.origin_name LIKE $origin)
)
SELECT
  CASE WHEN m.event_id IS NULL THEN 'yes' ELSE 'may' END AS descends,
  s.event_time,
  s.expires_at,
  CASE
    WHEN s.expires_at IS NULL OR date_diff('second', s.event_time, s.expires_at) < s.duration_seconds - 60 THEN 'unknown'
    ELSE 'yes'
  END AS alive,
  s.event_id,
  s.session_type,
  s.session_arn,
  s.role_arn,
  s.access_key_id,
  s.origin_known,
  s.origin_type,
  s.origin_name,
  s.origin_arn,
  s.origin_event_id,
  s.chain_depth,
  s.source_ip_address
FROM sessions_issued AS s
LEFT JOIN shared AS m ON m.event_id = s.origin_event_id
WHERE s.dt BETWEEN $since AND $until
  AND s.event_time <= $at
  AND (
    s.expires_at >= $at
    OR (
      (s.expires_at IS NULL OR date_diff('second', s.event_time, s.expires_at) < s.duration_seconds - 60)
      AND s.event_time + INTERVAL '36' HOUR >= $at
    )
  )
  AND (m.event_id IS NOT NULL OR s.origin_arn LIKE $origin OR s.origin_name LIKE $origin)
ORDER BY s.event_time, s.event_id
