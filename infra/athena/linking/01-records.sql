-- Makes linking_records: every record once (rule L1, duplicates).
--
-- A record is known by account, event ID and time. Of two readings the higher extraction version speaks, then the smaller in
-- the order of the columns, null and false first: the linker's own canonical order, column by column. Where a record was found
-- takes no part in that order, and all places are kept.
SELECT
  readings.*,
  CAST(length(event_id) AS varchar) || ':' || event_id || COALESCE(':' || recipient_account_id, '')
    || '@' || CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', event_time) AS varchar) AS row_id
FROM (
  SELECT
    f.*,
    array_sort(array_distinct(flatten(array_agg(log_objects) OVER (PARTITION BY event_id, recipient_account_id, event_time)))) AS found_in,
    row_number() OVER (
      PARTITION BY event_id, recipient_account_id, event_time
      ORDER BY
        extract_version DESC,
        event_ids NULLS FIRST, event_source NULLS FIRST, event_name NULLS FIRST, aws_region NULLS FIRST, request_id NULLS FIRST,
        shared_event_id NULLS FIRST, replaces_event_id NULLS FIRST, addendum_reason NULLS FIRST, source_ip_address NULLS FIRST,
        user_agent NULLS FIRST, endpoint_type NULLS FIRST, serving_region NULLS FIRST, vpc_endpoint_id NULLS FIRST,
        vpc_endpoint_account_id NULLS FIRST, CASE outcome WHEN 'issued' THEN 0 ELSE 1 END, error_code NULLS FIRST,
        error_message NULLS FIRST,
        CASE session_type
          WHEN 'AssumedRole' THEN 0 WHEN 'AssumedRoot' THEN 1 WHEN 'SessionToken' THEN 2 WHEN 'FederatedUser' THEN 3
          WHEN 'Console' THEN 4 WHEN 'Delegated' THEN 5 WHEN 'WebIdentity' THEN 6 WHEN 'Witness' THEN 7 ELSE 8
        END,
        access_key_id NULLS FIRST, session_principal_id NULLS FIRST, session_arn NULLS FIRST, session_name NULLS FIRST,
        role_arn NULLS FIRST, role_name NULLS FIRST, role_account_id NULLS FIRST, expires_at NULLS FIRST,
        duration_seconds NULLS FIRST, external_id NULLS FIRST, source_identity NULLS FIRST, identity_provider_arn NULLS FIRST,
        oidc_audience NULLS FIRST, provided_context_arns NULLS FIRST, task_policy_arn NULLS FIRST,
        explicit_trust_grant NULLS FIRST,
        array_sort(map_entries(session_tags)) NULLS FIRST, array_sort(map_entries(inherited_tags)) NULLS FIRST,
        transitive_tag_keys NULLS FIRST,
        session_policy NULLS FIRST, session_policy_sha256 NULLS FIRST, session_policy_raw_sha256 NULLS FIRST,
        session_policy_arns NULLS FIRST, session_scope_sha256 NULLS FIRST, packed_policy_size NULLS FIRST,
        mfa_serial_number NULLS FIRST, caller_mfa NULLS FIRST, session_mfa NULLS FIRST,
        caller_type NULLS FIRST, caller_arn NULLS FIRST, caller_principal_id NULLS FIRST, caller_account_id NULLS FIRST,
        caller_user_name NULLS FIRST, caller_access_key_id NULLS FIRST, caller_session_issuer_arn NULLS FIRST,
        caller_session_created_at NULLS FIRST, caller_source_identity NULLS FIRST, caller_invoked_by NULLS FIRST,
        caller_identity_provider NULLS FIRST, caller_on_behalf_of_user_id NULLS FIRST,
        caller_on_behalf_of_identity_store_arn NULLS FIRST, caller_in_scope_of_arn NULLS FIRST,
        caller_ec2_role_delivery NULLS FIRST, caller_from_console NULLS FIRST, caller_sign_in_session_arn NULLS FIRST,
        caller_assumed_root NULLS FIRST, caller_delegate_account_id NULLS FIRST
    ) AS precedence
  FROM fragments AS f
  WHERE dt BETWEEN '$since' AND '$until'
) AS readings
WHERE precedence = 1
