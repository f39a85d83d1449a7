-- Which session tokens were still used after the last other use of the key that asked for them?
--
-- Finds: credentials from GetSessionToken and GetFederationToken that asked for further sessions after the long-term key
--   behind them made its last other call for credentials: as when the key was deleted, and its token lives on for 36 hours.
-- Read: `key_last_time` is the key's last call in the table, that of the token included; the lake holds calls for
--   credentials only, so for other calls ask the raw events of the key. `seconds_after` is by how much the token outlived it.
--   Tokens that were only used for other services are in `which-tokens-did-long-term-keys-get`.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  t.event_time AS token_time,
  t.event_id AS token_event_id,
  t.event_name,
  t.access_key_id AS token_access_key_id,
  t.session_arn AS token_session_arn,
  t.caller_access_key_id AS long_term_key,
  t.origin_name,
  t.origin_arn,
  k.key_last_time,
  count(*) AS later_uses,
  max(u.event_time) AS token_last_time,
  date_diff('second', k.key_last_time, max(u.event_time)) AS seconds_after,
  min(u.event_id) AS an_event_id
FROM sessions_issued AS t
JOIN (
  SELECT caller_access_key_id, max(event_time) AS key_last_time
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND caller_access_key_id LIKE 'AKIA%'
  GROUP BY caller_access_key_id
) AS k ON k.caller_access_key_id = t.caller_access_key_id
JOIN sessions AS u ON u.parent_event_id = t.event_id
WHERE t.dt BETWEEN $since AND $until
  AND u.dt BETWEEN $since AND $until
  AND t.session_type IN ('SessionToken', 'FederatedUser')
  AND u.event_time > k.key_last_time
GROUP BY
  t.event_time,
  t.event_id,
  t.event_name,
  t.access_key_id,
  t.session_arn,
  t.caller_access_key_id,
  t.origin_name,
  t.origin_arn,
  k.key_last_time
ORDER BY token_time, token_event_id
