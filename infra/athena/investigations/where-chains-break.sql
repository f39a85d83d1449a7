-- Where do chains break, and why?
--
-- Finds: gaps by reason, account and role behind the break, with how many calls and sessions hang on each, and whether log
--   objects of the account of the missing issuance were read at all in these days.
-- Read: not_in_logs: the issuance is older than the logs, or in logs that are not read. caller_copy_missing: the caller's
--   account is not delivered. ambiguous: several issuances fit and lead to different origins. loop: records lead back to
--   themselves. `log_objects_of_account` 0 says that no log object of the account was read: there the hole is in the delivery,
--   and not in the chain. It is null where that cannot be said: the caller's account is unknown, or log objects were read whose
--   names tell no account (renamed, or put together from several) and may be the account's. `sessions_behind` counts what is
--   linked to the gap and unknown for its sake.
-- Scans: the days from $since to $until, flat columns only, and the ledger, also of 1970-01-01, where it has what tells no day
--   (not in Athena, whose tables begin with the stack's FirstDay).
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  g.gap_reason,
  g.caller_account_id,
  g.caller_type,
  g.from_principal,
  g.calls,
  g.sessions,
  g.sessions_behind,
  CASE
    WHEN g.caller_account_id IS NULL THEN NULL
    WHEN l.log_objects_of_account IS NOT NULL THEN l.log_objects_of_account
    WHEN u.log_objects_of_nobody = 0 THEN 0
  END AS log_objects_of_account,
  g.first_time,
  g.last_time,
  g.an_event_id
FROM (
  SELECT
    s.gap_reason,
    s.caller_account_id,
    s.caller_type,
    coalesce(s.caller_session_issuer_arn, s.caller_arn, s.caller_principal_id) AS from_principal,
    count(*) AS calls,
    sum(CASE WHEN s.outcome = 'issued' AND s.session_type <> 'Witness' THEN 1 ELSE 0 END) AS sessions,
    coalesce(sum(b.sessions_behind), 0) AS sessions_behind,
    min(s.event_time) AS first_time,
    max(s.event_time) AS last_time,
    min(s.event_id) AS an_event_id
  FROM sessions AS s
  LEFT JOIN (
    SELECT origin_event_id, count(*) AS sessions_behind
    FROM sessions
    WHERE dt BETWEEN $since AND $until
      AND link_status = 'linked'
      AND outcome = 'issued'
      AND session_type <> 'Witness'
      AND NOT origin_known
    GROUP BY origin_event_id
  ) AS b ON b.origin_event_id = s.event_id
  WHERE s.dt BETWEEN $since AND $until
    AND s.link_status = 'gap'
  GROUP BY
    s.gap_reason,
    s.caller_account_id,
    s.caller_type,
    coalesce(s.caller_session_issuer_arn, s.caller_arn, s.caller_principal_id)
) AS g
LEFT JOIN (
  SELECT account_id, count(*) AS log_objects_of_account
  FROM log_objects
  WHERE dt BETWEEN $since AND $until
    AND kind = 'log_object'
    AND outcome = 'extracted'
  GROUP BY account_id
) AS l ON l.account_id = g.caller_account_id
CROSS JOIN (
  SELECT count(*) AS log_objects_of_nobody
  FROM log_objects
  WHERE (dt BETWEEN $since AND $until OR dt = '1970-01-01')
    AND outcome = 'extracted'
    AND account_id IS NULL
) AS u
ORDER BY g.gap_reason, g.calls DESC, g.caller_account_id, g.from_principal, g.an_event_id
