-- Issuances that may stand behind a later call, and until when (docs/LINKING.md, rules L1 to L5).
--
-- `until_time` is the end, itself excluded: 36 hours and a second after the issuance, or the time of the record that replaces
-- it. `one_call` is the same for the copies of one call, of which the `fuller_copy` speaks. `same_origin` is the same where
-- origins are; of an ambiguous gap, which agrees with nothing, it is a value of its own.
SELECT
  p.dt AS dt,
  p.event_id AS event_id,
  p.event_time AS event_time,
  CASE
    WHEN r.replaced_time < p.event_time + INTERVAL '36' HOUR THEN r.replaced_time
    ELSE p.event_time + INTERVAL '36' HOUR + INTERVAL '1' SECOND
  END AS until_time,
  p.session_type AS session_type,
  p.access_key_id AS access_key_id,
  p.session_arn AS session_arn,
  p.session_principal_id AS session_principal_id,
  coalesce(p.shared_event_id || ' ' || p.request_id, p.event_id) AS one_call,
  coalesce(p.caller_type, '') <> 'AWSAccount' AS fuller_copy,
  CASE WHEN p.gap_reason = 'ambiguous' THEN p.event_id ELSE '' END
    || CASE WHEN p.origin_known THEN ' known ' ELSE ' unknown ' END
    || p.origin_type
    || coalesce(' a=' || p.origin_account_id, '')
    || coalesce(' p=' || p.origin_principal_id, '')
    || coalesce(' r=' || p.origin_arn, '')
    || coalesce(' i=' || p.origin_identity_provider, '')
    || coalesce(' n=' || p.origin_name, '') AS same_origin,
  p.origin_known AS origin_known,
  p.origin_type AS origin_type,
  p.origin_arn AS origin_arn,
  p.origin_name AS origin_name,
  p.origin_account_id AS origin_account_id,
  p.origin_principal_id AS origin_principal_id,
  p.origin_identity_provider AS origin_identity_provider,
  p.origin_access_key_id AS origin_access_key_id,
  p.origin_event_id AS origin_event_id,
  p.origin_event_time AS origin_event_time,
  p.origin_source_ip_address AS origin_source_ip_address,
  p.origin_mfa AS origin_mfa,
  p.chain_depth AS chain_depth
FROM sessions AS p
LEFT JOIN (
  SELECT
    recipient_account_id,
    replaces_event_id,
    min(event_time) AS replaced_time
  FROM sessions
  WHERE replaces_event_id IS NOT NULL
  GROUP BY recipient_account_id, replaces_event_id
) AS r
  ON r.replaces_event_id = p.event_id
  AND r.recipient_account_id = p.recipient_account_id
WHERE p.outcome = 'issued'
  AND p.session_type <> 'Witness'
  AND p.session_arn IS NOT NULL
  AND (p.session_principal_id IS NOT NULL OR p.session_arn LIKE '%:assumed-role/%')
  AND NOT (
    p.session_type = 'Console'
    AND p.access_key_id IS NOT NULL
    AND p.access_key_id = coalesce(p.caller_access_key_id, '')
  )
