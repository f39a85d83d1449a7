-- Adds to linking_lineage the rows that lead back to themselves, as gaps (rule L5). Generations then go on from there.
SELECT
  b.row_id, b.session_account_id, b.event_id, b.event_time, b.event_name, b.access_key_id, b.role_arn, b.session_arn, b.source_ip_address,
  b.session_mfa,
  'gap' AS link_status,
  NULL AS link_evidence,
  NULL AS link_candidates,
  'loop' AS gap_reason,
  NULL AS parent_event_id,
  NULL AS parent_access_key_id,
  false AS origin_known, b.origin_type, b.origin_arn, b.origin_name, b.origin_account_id, b.origin_principal_id, b.origin_identity_provider,
  b.origin_access_key_id, b.event_id AS origin_event_id, b.event_time AS origin_event_time,
  b.source_ip_address AS origin_source_ip_address, b.user_agent AS origin_user_agent,
  NULL AS origin_mfa, b.source_identity, b.effective_tags, b.passing_keys, b.effective_transitive_tag_keys,
  b.own_tags_known AND b.inherited_tags IS NOT NULL AS effective_tags_known,
  0 AS chain_depth,
  NULL AS chain,
  NULL AS chain_event_ids,
  NULL AS chain_access_key_ids,
  NULL AS chain_role_arns,
  NULL AS chain_account_ids,
  false AS chain_truncated,
  b.crosses_accounts,
  $generation AS generation
FROM linking_beginnings AS b
JOIN linking_ways AS w ON w.from_id = b.row_id AND w.to_id = b.row_id
