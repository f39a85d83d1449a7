-- Which records prove this chain, from its origin to this event?
--
-- Finds: the row of an event and the rows of all its ancestors, oldest first, with event IDs and the log objects that hold the
--   records: the evidence to preserve.
-- Read: `distance` 0 is the event itself, the greatest one is the oldest ancestor known. `link_evidence` is what ties a row to
--   the one before it; where `candidates` names several issuances, that one is only one of those that fit, and the records of
--   all are evidence. If the distances do not count up to `chain_depth`, an ancestor lies before $since (look further back), or
--   the chain is longer than 32 and was cut. A first row whose `link_status` is gap is not the beginning: `gap_reason` says why
--   nothing earlier is known.
-- Scans: the days from $since to $until twice, with lists; Athena reads whole rows for these.
--
-- $event_id text: CloudTrail's eventID of an issuing call
-- $since day: first day to look at; a chain may begin days before the event
-- $until day: last day to look at
SELECT
  CAST(0 AS bigint) AS distance,
  event_time,
  event_id,
  array_join(event_ids, ' ') AS all_event_ids,
  event_name,
  recipient_account_id,
  outcome,
  caller_type,
  caller_arn,
  caller_access_key_id,
  session_arn,
  access_key_id,
  session_mfa,
  source_identity,
  session_scope_sha256,
  source_ip_address,
  user_agent,
  link_status,
  link_evidence,
  gap_reason,
  array_join(link_candidates, ' ') AS candidates,
  chain_depth,
  array_join(log_objects, ' ') AS log_object_names
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND contains(event_ids, $event_id)
UNION ALL
SELECT
  CAST(c.distance AS bigint) AS distance,
  a.event_time,
  a.event_id,
  array_join(a.event_ids, ' ') AS all_event_ids,
  a.event_name,
  a.recipient_account_id,
  a.outcome,
  a.caller_type,
  a.caller_arn,
  a.caller_access_key_id,
  a.session_arn,
  a.access_key_id,
  a.session_mfa,
  a.source_identity,
  a.session_scope_sha256,
  a.source_ip_address,
  a.user_agent,
  a.link_status,
  a.link_evidence,
  a.gap_reason,
  array_join(a.link_candidates, ' ') AS candidates,
  a.chain_depth,
  array_join(a.log_objects, ' ') AS log_object_names
FROM session_chains AS c
JOIN sessions AS a ON a.event_id = c.ancestor_event_id
WHERE c.dt BETWEEN $since AND $until
  AND a.dt BETWEEN $since AND $until
  AND c.event_id IN (
    SELECT event_id
    FROM sessions
    WHERE dt BETWEEN $since AND $until
      AND contains(event_ids, $event_id)
  )
ORDER BY distance DESC, event_time, event_id
