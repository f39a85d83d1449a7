-- Who is behind this principal ID at this moment?
--
-- Finds: the sessions of a principal ID (AROA…:name) that were handed out at or before a moment and at most 36 hours earlier.
--   For events whose access key was never logged as issued: the console, Identity Center, some services.
-- Read: the issuance whose `event_time` equals the event's sessionContext.attributes.creationDate, to the second, is the
--   session. Without a creation time, several rows are several candidates: do not pick one. `candidates` lists the issuances
--   that fit the caller of that call where there are several: what is said of the first hop is then said of one of them, and an
--   origin that is known they have in common; an ancestor may have candidates too, and `which-records-prove-this-chain` shows
--   them. The records of EC2, Lambda and other services often name no principal ID when they hand a session out: no row, then,
--   means nothing. Ask `who-is-behind-this-role-session` for the event's userIdentity.arn.
-- Scans: the days from $since to $until, flat columns and the list of candidates.
--
-- $principal_id text: userIdentity.principalId, such as AROACKCEVSQ6C2EXAMPLE:anna
-- $at time: the moment of the event, UTC, such as 2026-11-20 14:03:00
-- $since day: first day to look at; two days before the event is enough
-- $until day: last day to look at
SELECT
  event_time,
  expires_at,
  event_id,
  event_name,
  session_type,
  session_arn,
  access_key_id,
  source_ip_address,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  origin_event_id,
  origin_event_time,
  origin_source_ip_address,
  link_status,
  gap_reason,
  array_join(link_candidates, ' ') AS candidates,
  chain_depth
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND session_principal_id = $principal_id
  AND event_time <= $at
  AND event_time + INTERVAL '36' HOUR >= $at
ORDER BY event_time DESC, event_id
