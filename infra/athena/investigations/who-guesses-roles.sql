-- Who guesses roles?
--
-- Finds: origins that were refused at $roles or more different roles in one go, from whatever addresses: each refusal within an
--   hour of the one before. Where the origin is not known, the same principal from another address may be somebody else: it is
--   counted apart. A refused web identity whose record names no subject goes by its provider's name.
-- Read: a script that lost its permission fails at one role, again and again; somebody who looks for a way in fails at many,
--   and may change the address each time: `address_list` has them. `sessions` counts what the same origin got, where it is not
--   known from the same address, in that time and the hour after it: what the guessing found. `roles_tried` lists what was
--   tried. `first_time`, `last_time` and `an_event_id` are of the refusals.
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
    CASE WHEN NOT origin_known THEN source_ip_address END AS only_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    lag(event_time) OVER (
      PARTITION BY CASE WHEN NOT origin_known THEN source_ip_address END, origin_known, origin_type, origin_name, origin_arn
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
    only_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    sum(CASE WHEN date_diff('second', previous_time, event_time) <= 3600 THEN 0 ELSE 1 END) OVER (
      PARTITION BY only_address, origin_known, origin_type, origin_name, origin_arn
      ORDER BY event_time, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS go
  FROM refused
),
guessed AS (
  SELECT
    only_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    go,
    count(DISTINCT role_arn) AS roles_refused,
    count(*) AS attempts,
    count(DISTINCT source_ip_address) AS addresses,
    array_join(array_agg(DISTINCT source_ip_address ORDER BY source_ip_address), ' ') AS address_list,
    array_join(array_agg(DISTINCT role_arn ORDER BY role_arn), ' ') AS roles_tried,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(event_id) AS an_event_id
  FROM numbered
  GROUP BY only_address, origin_known, origin_type, origin_name, origin_arn, go
)
SELECT
  g.first_time,
  g.last_time,
  g.origin_known,
  g.origin_type,
  g.origin_name,
  g.origin_arn,
  g.roles_refused,
  g.attempts,
  g.addresses,
  g.address_list,
  count(i.event_id) AS sessions,
  g.roles_tried,
  g.an_event_id
FROM guessed AS g
LEFT JOIN (
  SELECT
    event_id,
    event_time,
    CASE WHEN NOT origin_known THEN source_ip_address END AS only_address,
    origin_known,
    origin_type,
    origin_name,
    origin_arn
  FROM sessions_issued
  WHERE dt BETWEEN $since AND $until
    AND role_arn IS NOT NULL
    AND session_type <> 'Console'
) AS i
  ON i.origin_type = g.origin_type
  AND i.origin_known = g.origin_known
  AND coalesce(i.only_address, '') = coalesce(g.only_address, '')
  AND coalesce(i.origin_arn, '') = coalesce(g.origin_arn, '')
  AND coalesce(i.origin_name, '') = coalesce(g.origin_name, '')
  AND i.event_time >= g.first_time
  AND date_diff('second', g.last_time, i.event_time) <= 3600
WHERE g.roles_refused >= $roles
GROUP BY
  g.first_time,
  g.last_time,
  g.only_address,
  g.origin_known,
  g.origin_type,
  g.origin_name,
  g.origin_arn,
  g.roles_refused,
  g.attempts,
  g.addresses,
  g.address_list,
  g.roles_tried,
  g.an_event_id
ORDER BY g.first_time, g.origin_type, g.origin_name, g.origin_arn, g.origin_known, g.an_event_id
