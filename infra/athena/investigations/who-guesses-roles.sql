-- Who guesses roles?
--
-- Finds: origins and addresses that were refused at $roles or more different roles within one hour.
-- Read: a script that lost its permission fails at one role, again and again; somebody who looks for a way in fails at many.
--   `sessions_issued` are the roles that the same address got in that hour: what the guessing found. `role_names` lists
--   what was tried.
-- Scans: the days from $since to $until, flat columns only.
--
-- $roles number: how many different roles make it guessing, such as 3
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  date_trunc('hour', event_time) AS hour,
  source_ip_address,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  count(DISTINCT CASE WHEN outcome = 'failed' THEN role_arn END) AS roles_refused,
  sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS attempts,
  sum(CASE WHEN outcome = 'issued' THEN 1 ELSE 0 END) AS sessions_issued,
  array_join(array_agg(DISTINCT role_arn ORDER BY role_arn) FILTER (WHERE outcome = 'failed'), ' ') AS roles_tried,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND session_type <> 'Witness'
  AND role_arn IS NOT NULL
GROUP BY date_trunc('hour', event_time), source_ip_address, origin_known, origin_type, origin_name, origin_arn
HAVING count(DISTINCT CASE WHEN outcome = 'failed' THEN role_arn END) >= $roles
ORDER BY hour, source_ip_address, origin_type, origin_name, origin_arn, origin_known
