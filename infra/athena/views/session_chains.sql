-- One row for each session and ancestor: which issuances, keys, roles and accounts lie between the origin and the session.
--
-- `position` 1 is the oldest ancestor known, `distance` 1 the nearest. A session whose caller is the origin, or a gap, has no
-- row here. Where `chain_truncated` is true, ancestors older than position 1 were cut; `chain_depth` still counts them.
SELECT
  s.dt AS dt,
  s.event_time AS event_time,
  s.event_id AS event_id,
  s.access_key_id AS access_key_id,
  s.session_arn AS session_arn,
  s.role_arn AS role_arn,
  s.origin_known AS origin_known,
  s.origin_type AS origin_type,
  s.origin_arn AS origin_arn,
  s.origin_name AS origin_name,
  s.chain_depth AS chain_depth,
  s.chain_truncated AS chain_truncated,
  t.position AS position,
  cardinality(s.chain_event_ids) - t.position + 1 AS distance,
  s.chain_event_ids[t.position] AS ancestor_event_id,
  s.chain_access_key_ids[t.position] AS ancestor_access_key_id,
  s.chain_role_arns[t.position] AS ancestor_role_arn,
  s.chain_account_ids[t.position] AS ancestor_account_id
FROM sessions AS s
CROSS JOIN UNNEST(sequence(1, cardinality(s.chain_event_ids))) AS t (position)
