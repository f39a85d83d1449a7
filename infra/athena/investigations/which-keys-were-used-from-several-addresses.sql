-- Which access keys were used from several addresses?
--
-- Finds: keys that asked for sessions from more than one address within the days, each key with its origin.
-- Read: a key of a laptop may move between networks; one of an instance, a function or a pipeline's job does not.
--   `shortest_seconds` is the shortest time between two calls from different addresses: minutes between distant networks are
--   no travel. Only calls for credentials are seen here.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  caller_access_key_id,
  origin_known,
  origin_type,
  origin_name,
  origin_arn,
  count(DISTINCT source_ip_address) AS addresses,
  array_join(array_agg(DISTINCT source_ip_address ORDER BY source_ip_address), ' ') AS address_list,
  count(*) AS calls,
  min(CASE WHEN previous_address <> source_ip_address THEN date_diff('second', previous_time, event_time) END)
    AS shortest_seconds,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM (
  SELECT
    caller_access_key_id,
    origin_known,
    origin_type,
    origin_name,
    origin_arn,
    source_ip_address,
    event_time,
    event_id,
    lag(source_ip_address) OVER (PARTITION BY caller_access_key_id ORDER BY event_time, event_id) AS previous_address,
    lag(event_time) OVER (PARTITION BY caller_access_key_id ORDER BY event_time, event_id) AS previous_time
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND caller_access_key_id IS NOT NULL
    AND source_ip_address IS NOT NULL
    AND source_ip_address NOT LIKE '%.amazonaws.com%'
    AND source_ip_address NOT LIKE 'AWS Internal%'
    AND session_type <> 'Witness'
) AS c
GROUP BY caller_access_key_id, origin_known, origin_type, origin_name, origin_arn
HAVING count(DISTINCT source_ip_address) > 1
ORDER BY addresses DESC, first_time, caller_access_key_id, origin_type, origin_name, origin_arn, origin_known
