-- Who guesses roles?
--
-- Finds: origins and addresses that were refused at $roles or more different roles in one go: each refusal within an hour of
--   the one before.
-- Read: a script that lost its permission fails at one role, again and again; somebody who looks for a way in fails at many.
--   `sessions` counts what the same origin got from the same address in that time and the hour after it: what the guessing
--   found. `roles_tried` lists what was tried. `first_time`, `last_time` and `an_event_id` are of the refusals.
-- Scans: the days from $since to $until, flat columns only.
--
-- $roles number: how many different roles make it guessing, such as 3
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
WITH refused AS (
  SELECT
    event_time,
    event_id,
    role_arn,
    source_ip_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    lag(event_time) OVER (
      PARTITION BY source_ip_address, origin_known, origin_type, origin_name, origin_arn
      ORDER BY event_time, event_id
    ) AS previous_time
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND outcome = 'failed'
    AND session_type <> 'Witness'
    AND role_arn IS NOT NULL
),
numbered AS (
  SELECT
    event_time,
    event_id,
    role_arn,
    source_ip_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    sum(CASE WHEN date_diff('second', previous_time, event_time) <= 3600 THEN 0 ELSE 1 END) OVER (
      PARTITION BY source_ip_address, origin_known, origin_type, origin_name, origin_arn
      ORDER BY event_time, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS go
  FROM refused
),
guessed AS (
  SELECT
    source_ip_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    go,
    count(DISTINCT role_arn) AS roles_refused,
    count(*) AS attempts,
    array_join(array_agg(DISTINCT role_arn ORDER BY role_arn), ' ') AS roles_tried,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(event_id) AS an_event_id
  FROM numbered
  GROUP BY source_ip_address, origin_known, origin_type, origin_name, origin_arn, go
)
SELECT
  g.first_time,
  g.last_time,
  g.source_ip_address,
  g.origin_known,
  g.origin_type,
  g.origin_name,
  g.origin_arn,
  g.roles_refused,
  g.attempts,
  count(i.event_id) AS sessions,
  g.roles_tried,
  g.an_event_id
FROM guessed AS g
LEFT JOIN (
  SELECT event_id, event_time, source_ip_address, origin_type, origin_name, origin_arn
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
) AS i
  ON i.origin_type = g.origin_type
  AND coalesce(i.source_ip_address, '') = coalesce(g.source_ip_address, '')
  AND coalesce(i.origin_arn, '') = coalesce(g.origin_arn, '')
  AND coalesce(i.origin_name, '') = coalesce(g.origin_name, '')
  AND i.event_time >= g.first_time
  AND date_diff('second', g.last_time, i.event_time) <= 3600
WHERE g.roles_refused >= $roles
GROUP BY
  g.first_time,
  g.last_time,
  g.source_ip_address,
  g.origin_known,
  g.origin_type,
  g.origin_name,
  g.origin_arn,
  g.roles_refused,
  g.attempts,
  g.roles_tried,
  g.an_event_id
ORDER BY g.first_time, g.source_ip_address, g.origin_type, g.origin_name, g.origin_arn, g.origin_known, g.an_event_id
