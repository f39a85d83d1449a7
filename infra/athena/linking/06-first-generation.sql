-- Makes linking_lineage: what linking finds for a row; first those without candidates, and earlier rows that are candidates.
--
-- generation says in which step a row was resolved: 0 here, and else one more than the latest of its candidates. passing_keys are
-- those of the effective tags that pass on to the next role, in any case of letters (rule L8).
SELECT
  b.row_id, b.session_account_id, b.event_id, b.event_time, b.event_name, b.access_key_id, b.role_arn, b.session_arn, b.source_ip_address,
  b.session_mfa,
  CASE WHEN b.gap_reason IS NULL THEN 'origin' ELSE 'gap' END AS link_status,
  NULL AS link_evidence,
  NULL AS link_candidates,
  b.gap_reason,
  NULL AS parent_event_id,
  NULL AS parent_access_key_id,
  b.origin_known, b.origin_type, b.origin_arn, b.origin_name, b.origin_account_id, b.origin_principal_id, b.origin_identity_provider,
  b.origin_access_key_id, b.event_id AS origin_event_id, b.event_time AS origin_event_time,
  b.source_ip_address AS origin_source_ip_address, b.user_agent AS origin_user_agent,
  b.origin_mfa, b.source_identity, b.effective_tags, b.passing_keys, b.effective_transitive_tag_keys, b.effective_tags_known,
  0 AS chain_depth,
  NULL AS chain,
  NULL AS chain_event_ids,
  NULL AS chain_access_key_ids,
  NULL AS chain_role_arns,
  NULL AS chain_account_ids,
  false AS chain_truncated,
  b.crosses_accounts,
  0 AS generation
FROM linking_beginnings AS b
LEFT JOIN linking_candidates AS c ON c.row_id = b.row_id
WHERE c.row_id IS NULL
UNION ALL
SELECT
  e.row_id, e.session_account_id, s.event_id, s.event_time, s.event_name, s.access_key_id, s.role_arn, s.session_arn, s.source_ip_address,
  s.session_mfa, s.link_status, s.link_evidence, s.link_candidates, s.gap_reason, s.parent_event_id, s.parent_access_key_id,
  s.origin_known, s.origin_type, s.origin_arn, s.origin_name, s.origin_account_id, s.origin_principal_id, s.origin_identity_provider,
  s.origin_access_key_id, s.origin_event_id, s.origin_event_time, s.origin_source_ip_address, s.origin_user_agent,
  s.origin_mfa, s.source_identity, s.effective_tags,
  filter(
    COALESCE(map_keys(s.effective_tags), ARRAY[]),
    k -> contains(transform(COALESCE(s.effective_transitive_tag_keys, ARRAY[]), t -> lower(t)), lower(k))
  ),
  s.effective_transitive_tag_keys, s.effective_tags_known,
  s.chain_depth, s.chain, s.chain_event_ids, s.chain_access_key_ids, s.chain_role_arns, s.chain_account_ids, s.chain_truncated,
  s.crosses_accounts, 0
FROM sessions AS s
JOIN (
  SELECT DISTINCT p.row_id, p.session_account_id, p.event_id, p.recipient_account_id, p.event_time
  FROM linking_parents AS p
  JOIN linking_candidates AS c ON c.candidate_id = p.row_id
  WHERE p.is_linked
) AS e
  ON e.event_id = s.event_id AND e.event_time = s.event_time AND e.recipient_account_id IS NOT DISTINCT FROM s.recipient_account_id
WHERE s.dt < '$since' AND s.dt >= '$before'
