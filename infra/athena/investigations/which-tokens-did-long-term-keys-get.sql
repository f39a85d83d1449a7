-- Which session tokens did long-term keys ask for?
--
-- Finds: GetSessionToken and GetFederationToken, refused ones included, by long-term key, with what was done with the token to
--   get further.
-- Read: such a token outlives its key by up to 36 hours. One without MFA and with a long life has hardly a use but persistence.
--   `further_sessions` counts the sessions that were handed out to it, `further_refused` the calls for one that were refused,
--   `last_time` is of either; 0 does not mean unused.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  t.event_time,
  t.event_id,
  t.event_name,
  t.outcome,
  t.error_code,
  t.origin_type,
  t.origin_name,
  t.origin_arn,
  t.caller_access_key_id AS long_term_key,
  t.access_key_id,
  t.session_name,
  t.duration_seconds,
  t.expires_at,
  t.session_mfa,
  t.mfa_serial_number,
  t.session_scope_sha256,
  t.source_ip_address,
  t.user_agent,
  coalesce(u.further_sessions, 0) AS further_sessions,
  coalesce(u.further_refused, 0) AS further_refused,
  u.last_time
FROM sessions AS t
LEFT JOIN (
  SELECT
    parent_event_id,
    sum(CASE WHEN outcome = 'issued' THEN 1 ELSE 0 END) AS further_sessions,
    sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS further_refused,
    max(event_time) AS last_time
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND parent_event_id IS NOT NULL
    AND session_type <> 'Witness'
  GROUP BY parent_event_id
) AS u ON u.parent_event_id = t.event_id
WHERE t.dt BETWEEN $since AND $until
  AND t.event_name IN ('GetSessionToken', 'GetFederationToken')
  AND t.session_type <> 'Witness'
ORDER BY t.event_time, t.event_id
