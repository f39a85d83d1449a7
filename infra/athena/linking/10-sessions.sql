-- Makes the rows of the table sessions, in its columns: what the linker publishes for the same days.
SELECT
  i.event_id, i.event_ids, i.event_time, i.event_source, i.event_name, i.aws_region, i.recipient_account_id, i.request_id,
  i.shared_event_id, i.replaces_event_id, i.addendum_reason, i.source_ip_address, i.user_agent, i.endpoint_type, i.serving_region,
  i.vpc_endpoint_id, i.vpc_endpoint_account_id, i.outcome, i.error_code, i.error_message, i.log_objects,
  i.session_type, i.access_key_id, i.session_principal_id, i.session_arn, i.session_name, i.role_arn, i.role_name, i.role_account_id,
  i.expires_at, i.duration_seconds, i.external_id, l.source_identity, i.identity_provider_arn, i.oidc_audience, i.provided_context_arns,
  i.task_policy_arn, i.explicit_trust_grant,
  i.session_tags, i.inherited_tags, i.transitive_tag_keys, l.effective_tags,
  transform(array_sort(map_keys(l.effective_tags)), k -> k || '=' || l.effective_tags[k]) AS effective_tag_pairs,
  l.effective_transitive_tag_keys, l.effective_tags_known,
  i.session_policy, i.session_policy_sha256, i.session_policy_raw_sha256, i.session_policy_arns, i.session_scope_sha256,
  i.packed_policy_size,
  i.mfa_serial_number, i.caller_mfa, i.session_mfa, l.origin_mfa,
  CASE WHEN l.origin_mfa IS NOT NULL THEN l.origin_mfa AND NOT (COALESCE(i.session_mfa, false) OR COALESCE(i.caller_mfa, false)) END
    AS chain_mfa_lost,
  i.caller_type, i.caller_arn, i.caller_principal_id, i.caller_account_id, i.caller_user_name, i.caller_access_key_id,
  i.caller_session_issuer_arn, i.caller_session_created_at, i.caller_source_identity, i.caller_invoked_by, i.caller_identity_provider,
  i.caller_on_behalf_of_user_id, i.caller_on_behalf_of_identity_store_arn, i.caller_in_scope_of_arn, i.caller_ec2_role_delivery,
  i.caller_from_console, i.caller_sign_in_session_arn, i.caller_assumed_root, i.caller_delegate_account_id,
  l.link_status, l.link_evidence, l.link_candidates, l.gap_reason, l.parent_event_id, l.parent_access_key_id,
  l.origin_known, l.origin_type, l.origin_arn, l.origin_name, l.origin_account_id, l.origin_principal_id, l.origin_identity_provider,
  l.origin_access_key_id, l.origin_event_id, l.origin_event_time, l.origin_source_ip_address, l.origin_user_agent,
  l.chain_depth, l.chain, l.chain_event_ids, l.chain_access_key_ids, l.chain_role_arns, l.chain_account_ids, l.chain_truncated,
  l.crosses_accounts, i.extract_version,
  CAST(CAST(i.event_time AS date) AS varchar) AS dt
FROM linking_issuances AS i
JOIN linking_lineage AS l ON l.row_id = i.row_id
