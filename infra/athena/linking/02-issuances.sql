-- Makes linking_issuances: one row for each issuance, unlinked (rule L1, addenda of one time; rule L2, twins).
--
-- A record that is replaced at its own time gives way to the one that replaces it; the groups are connected by any of their
-- event IDs, for a correction may be corrected. Then the copies of one cross-account call become one row: the copy that names its
-- caller speaks. Both keep all event IDs and all log objects.
WITH replacements AS (
  -- One array of groups for each account and time with an addendum; each edge joins the groups that it touches.
  SELECT
    recipient_account_id,
    event_time,
    reduce(
      array_agg(ARRAY[ARRAY[event_id, replaces_event_id]]),
      ARRAY[ARRAY[CAST('' AS varchar)]],
      (joined, edge) -> filter(joined, g -> NOT arrays_overlap(g, edge[1]))
        || ARRAY[flatten(filter(joined, g -> arrays_overlap(g, edge[1])) || edge)],
      joined -> joined
    ) AS replaced_together
  FROM linking_records
  WHERE replaces_event_id IS NOT NULL
  GROUP BY recipient_account_id, event_time
),
named_together AS (
  SELECT DISTINCT r.recipient_account_id, r.event_time, array_min(g.names) AS first_name, n.name
  FROM replacements AS r
  CROSS JOIN UNNEST(r.replaced_together) AS g(names)
  CROSS JOIN UNNEST(g.names) AS n(name)
),
updated AS (
  SELECT
    r.*,
    array_agg(r.event_ids) OVER (PARTITION BY r.recipient_account_id, r.event_time, COALESCE(n.first_name, r.event_id)) AS updated_ids,
    array_agg(r.found_in) OVER (PARTITION BY r.recipient_account_id, r.event_time, COALESCE(n.first_name, r.event_id)) AS updated_in,
    row_number() OVER (
      PARTITION BY r.recipient_account_id, r.event_time, COALESCE(n.first_name, r.event_id)
      ORDER BY CASE WHEN r.replaces_event_id IS NULL THEN 1 ELSE 0 END, r.event_id DESC
    ) AS update_precedence
  FROM linking_records AS r
  LEFT JOIN named_together AS n
    ON n.name = r.event_id AND n.event_time = r.event_time AND n.recipient_account_id IS NOT DISTINCT FROM r.recipient_account_id
),
calls AS (
  SELECT
    updated.*,
    -- Whatever lacks one of the two IDs is a call of its own.
    CASE WHEN shared_event_id IS NULL OR request_id IS NULL THEN row_id END AS alone
  FROM updated
  WHERE update_precedence = 1
),
twins AS (
  SELECT
    calls.*,
    flatten(array_agg(updated_ids) OVER (PARTITION BY event_time, shared_event_id, request_id, alone)) AS all_ids,
    flatten(array_agg(updated_in) OVER (PARTITION BY event_time, shared_event_id, request_id, alone)) AS all_in,
    row_number() OVER (
      PARTITION BY event_time, shared_event_id, request_id, alone
      ORDER BY COALESCE(caller_type = 'AWSAccount', false), event_id, recipient_account_id NULLS FIRST
    ) AS twin_precedence
  FROM calls
)
SELECT
  row_id,
  -- The account in which the issued session acts: of AssumeRoot the target, which is its principal.
  COALESCE(
    role_account_id, CASE WHEN session_type = 'AssumedRoot' THEN session_principal_id END, caller_account_id, recipient_account_id
  ) AS session_account_id,
  -- The caller as a role session: account, role without its path, session name; none where the ARN is not one of a role session.
  NULLIF(regexp_extract(caller_arn, '\Aarn:[^:]+:sts:[^:]*:([^:]+):assumed-role/(?:[^/]*/)*([^/]+)/([^/]+)\z', 1), '') AS caller_role_account_id,
  NULLIF(regexp_extract(caller_arn, '\Aarn:[^:]+:sts:[^:]*:([^:]+):assumed-role/(?:[^/]*/)*([^/]+)/([^/]+)\z', 2), '') AS caller_role_name,
  NULLIF(regexp_extract(caller_arn, '\Aarn:[^:]+:sts:[^:]*:([^:]+):assumed-role/(?:[^/]*/)*([^/]+)/([^/]+)\z', 3), '') AS caller_session_name,
  event_id, array_sort(array_distinct(flatten(all_ids))) AS event_ids, event_time, event_source, event_name, aws_region,
  recipient_account_id, request_id, shared_event_id, replaces_event_id, addendum_reason, source_ip_address, user_agent, endpoint_type,
  serving_region, vpc_endpoint_id, vpc_endpoint_account_id, outcome, error_code, error_message,
  array_sort(array_distinct(flatten(all_in))) AS log_objects,
  session_type, access_key_id, session_principal_id, session_arn, session_name, role_arn, role_name, role_account_id, expires_at,
  duration_seconds, external_id, source_identity, identity_provider_arn, oidc_audience, provided_context_arns, task_policy_arn,
  explicit_trust_grant, session_tags, inherited_tags, transitive_tag_keys,
  session_policy, session_policy_sha256, session_policy_raw_sha256, session_policy_arns, session_scope_sha256, packed_policy_size,
  mfa_serial_number, caller_mfa, session_mfa,
  caller_type, caller_arn, caller_principal_id, caller_account_id, caller_user_name, caller_access_key_id, caller_session_issuer_arn,
  caller_session_created_at, caller_source_identity, caller_invoked_by, caller_identity_provider, caller_on_behalf_of_user_id,
  caller_on_behalf_of_identity_store_arn, caller_in_scope_of_arn, caller_ec2_role_delivery, caller_from_console,
  caller_sign_in_session_arn, caller_assumed_root, caller_delegate_account_id, extract_version
FROM twins
WHERE twin_precedence = 1
