-- Who guesses roles?
--
-- Finds: origins and addresses that were refused at $roles or more different roles within one hour.
-- Read: a script that lost its permission fails at one role, again and again; somebody who looks for a way in fails at many.
--   `sessions` counts what the same origin got from the same address in that hour: what the guessing found. `roles_tried` lists
--   what was tried.
-- Scans: the days from $since to $until, flat columns only.
--
-- $roles number: how many different roles make it guessing, such as 3
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  g.hour,
  g.source_ip_address,
  g.origin_known,
  g.origin_type,
  g.origin_name,
  g.origin_arn,
  g.roles_refused,
  g.attempts,
  g.sessions,
  g.roles_tried,
  g.first_time,
  g.last_time,
  g.an_event_id
FROM (
  SELECT
    date_trunc('hour', event_time) AS hour,
    source_ip_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    count(DISTINCT CASE WHEN outcome = 'failed' THEN role_arn END) AS roles_refused,
    sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS attempts,
    sum(CASE WHEN outcome = 'issued' THEN 1 ELSE 0 END) AS sessions,
    array_join(array_agg(DISTINCT role_arn ORDER BY role_arn) FILTER (WHERE outcome = 'failed'), ' ') AS roles_tried,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(event_id) AS an_event_id
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND session_type <> 'Witness'
    AND role_arn IS NOT NULL
  GROUP BY date_trunc('hour', event_time), source_ip_address, origin_known, origin_type, origin_name, origin_arn
) AS g
WHERE g.roles_refused >= $roles
ORDER BY g.hour, g.source_ip_address, g.origin_type, g.origin_name, g.origin_arn, g.origin_known
