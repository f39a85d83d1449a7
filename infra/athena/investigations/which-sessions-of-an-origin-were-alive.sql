-- Which sessions of an origin were alive at this moment?
--
-- Finds: the sessions that had been handed out and had not expired at a moment, by whom they began: what to revoke, or who
--   could have done it.
-- Read: `alive` is yes where the log says when the credentials expire. It is unknown where the log says nothing, and where
--   it says less than was asked for, as of a console session by SAML, which outlives the 15 minutes of its credentials: such
--   a session lasts up to 36 hours and is listed for as long. AWSRevokeOlderSessions on a role ends the
--   sessions of that role, and not those that came from them.
-- Scans: the days from $since to $until, flat columns only.
--
-- $origin text: part of the origin's ARN or name, with % for any text, such as %anna%; % alone for everybody
-- $at time: the moment, UTC, such as 2026-11-20 14:03:00
-- $since day: first day to look at; two days before the moment is enough
-- $until day: last day to look at
SELECT
  event_time,
  expires_at,
  CASE
    WHEN expires_at IS NULL OR date_diff('second', event_time, expires_at) < duration_seconds - 60 THEN 'unknown'
    ELSE 'yes'
  END AS alive,
  event_id,
  session_type,
  session_arn,
  role_arn,
  access_key_id,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  chain_depth,
  source_ip_address
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND event_time <= $at
  AND (
    expires_at >= $at
    OR (
      (expires_at IS NULL OR date_diff('second', event_time, expires_at) < duration_seconds - 60)
      AND event_time + INTERVAL '36' HOUR >= $at
    )
  )
  AND (origin_arn LIKE $origin OR origin_name LIKE $origin)
ORDER BY event_time, event_id
