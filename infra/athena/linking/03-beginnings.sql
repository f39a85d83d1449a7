-- Makes linking_beginnings: every row as the beginning of a chain (rules L6, L7, and of L8 and L9 what a row has by itself).
--
-- Who the caller is by itself, or the furthest principal known with the reason why it is a gap. Rows that find a parent later take
-- its origin instead; gaps for other reasons keep this one, as not known.
WITH decoded AS (
  -- The account that an ID of after March 2019 holds; only used where the log has none.
  SELECT
    i.*,
    split_part(caller_principal_id, ':', 1) AS principal,
    split_part(caller_access_key_id, ':', 1) AS access_key,
    regexp_extract(caller_arn, '[^/:]*\z', 0) AS arn_name,
    regexp_extract(caller_in_scope_of_arn, '[^/:]*\z', 0) AS scope_name,
    CASE WHEN strpos(caller_principal_id, ':') > 0 THEN substr(caller_principal_id, strpos(caller_principal_id, ':') + 1)
      ELSE caller_principal_id END AS principal_name,
    regexp_like(
      caller_session_issuer_arn,
      '\Aarn:[^:]+:(?:iam:[^:]*:[^:]+:(?:root|(?:role|user)/(?:[^/]*/)*[^/]+)|sts:[^:]*:[^:]+:(?:federated-user/(?:[^/]*/)*[^/]+|assumed-role/(?:[^/]*/)*[^/]+/[^/]+))\z'
    ) AS issuer_is_principal,
    -- Identity Center's own roles, by their name, and by their path, which nobody else may use and which stands in the ARN alone.
    starts_with(caller_role_name, 'AWSReservedSSO_')
      AND COALESCE(strpos(caller_session_issuer_arn, ':role/aws-reserved/sso.amazonaws.com/') > 0, false) AS from_permission_set,
    starts_with(role_name, 'AWSReservedSSO_')
      AND COALESCE(strpos(role_arn, ':role/aws-reserved/sso.amazonaws.com/') > 0, false) AS into_permission_set,
    COALESCE(event_source = 'rolesanywhere.amazonaws.com' AND event_name = 'CreateSession', false) AS by_certificate,
    -- Root itself signs in, or signs with a long-term key. A session may be one of AssumeRoot, and need not say so.
    CASE
      WHEN COALESCE(caller_assumed_root, false) THEN false
      WHEN starts_with(caller_access_key_id, 'AKIA') THEN true
      WHEN starts_with(caller_access_key_id, 'ASIA') THEN false
      ELSE caller_session_created_at IS NULL
    END AS is_root_itself,
    -- Of two tags of one call whose keys are one to AWS nobody can tell which is in force (rule L8).
    filter(
      COALESCE(map_keys(session_tags), ARRAY[]),
      k -> cardinality(filter(map_keys(session_tags), other -> lower(other) = lower(k))) = 1
    ) AS own_keys,
    -- Pod Identity names the pod in session tags.
    CASE WHEN contains(map_keys(session_tags), 'kubernetes-namespace') AND contains(map_keys(session_tags), 'kubernetes-pod-name')
      THEN session_tags['kubernetes-namespace'] || '/' || session_tags['kubernetes-pod-name'] END AS pod_name
  FROM linking_issuances AS i
),
numbered AS (
  SELECT
    decoded.*,
    CASE WHEN regexp_like(principal, '\A(AKIA|ASIA|AROA|AIDA)[A-Z2-7]{9,}\z') THEN
      2 * (from_base(translate(substr(principal, 5, 8), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', '0123456789ABCDEFGHIJKLMNOPQRSTUV'), 32) - 549755813888)
      + CASE WHEN regexp_like(substr(principal, 13, 1), '[Q-Z2-7]') THEN 1 ELSE 0 END END AS principal_number,
    CASE WHEN regexp_like(access_key, '\A(AKIA|ASIA|AROA|AIDA)[A-Z2-7]{9,}\z') THEN
      2 * (from_base(translate(substr(access_key, 5, 8), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', '0123456789ABCDEFGHIJKLMNOPQRSTUV'), 32) - 549755813888)
      + CASE WHEN regexp_like(substr(access_key, 13, 1), '[Q-Z2-7]') THEN 1 ELSE 0 END END AS key_number
  FROM decoded
),
kinds AS (
  SELECT
    numbered.*,
    COALESCE(
      caller_account_id,
      CASE WHEN principal_number BETWEEN 0 AND 999999999999 THEN lpad(CAST(principal_number AS varchar), 12, '0') END,
      CASE WHEN key_number BETWEEN 0 AND 999999999999 THEN lpad(CAST(key_number AS varchar), 12, '0') END
    ) AS caller_account,
    COALESCE(caller_user_name, arn_name, caller_on_behalf_of_user_id, caller_principal_id) AS own_name,
    -- Somebody else may have acted with the rights of the principal named; only the issuance of that session says who.
    COALESCE(caller_type = 'Root' AND NOT is_root_itself, false) OR caller_delegate_account_id IS NOT NULL AS in_other_hands,
    -- Nobody signs these calls: they prove who makes them where they are not refused.
    outcome = 'failed' AND (
      by_certificate
      OR COALESCE(event_name IN ('AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'ConsoleLogin', 'GetCredentialsForIdentity'), false)
    ) AS only_claimed,
    CASE
      WHEN by_certificate THEN 'certificate'
      WHEN caller_type = 'IAMUser' THEN 'user'
      WHEN caller_type = 'Root' THEN 'root'
      WHEN caller_type = 'SAMLUser' AND into_permission_set THEN 'saml into permission set'
      WHEN caller_type = 'SAMLUser' THEN 'saml'
      WHEN caller_type = 'WebIdentityUser' THEN 'web identity'
      WHEN caller_type = 'IdentityCenterUser' THEN 'person'
      WHEN caller_type = 'FederatedUser' THEN CASE WHEN issuer_is_principal THEN 'federated' ELSE 'gap' END
      WHEN caller_type = 'AssumedRole' THEN
        CASE
          WHEN from_permission_set OR caller_on_behalf_of_user_id IS NOT NULL THEN 'person in a role'
          WHEN caller_in_scope_of_arn IS NOT NULL OR caller_ec2_role_delivery IS NOT NULL THEN 'workload in a role'
          ELSE 'gap'
        END
      WHEN caller_type = 'AWSService' OR (caller_type IS NULL AND caller_invoked_by IS NOT NULL) THEN
        CASE
          WHEN caller_in_scope_of_arn IS NOT NULL THEN 'workload'
          -- A call that names no workload was made by the service itself.
          WHEN caller_invoked_by IN ('ec2.amazonaws.com', 'ec2.amazonaws.com.cn', 'ecs-tasks.amazonaws.com', 'lambda.amazonaws.com', 'pods.eks.amazonaws.com')
            AND COALESCE(pod_name, session_name) IS NOT NULL THEN 'workload'
          WHEN caller_invoked_by = 'account-access.amazonaws.com' THEN 'person by service'
          ELSE 'service'
        END
      WHEN caller_type = 'AWSAccount' THEN 'gap'
      WHEN session_type = 'WebIdentity' THEN 'cognito'
      WHEN starts_with(event_source, 'sso') AND (caller_user_name IS NOT NULL OR caller_on_behalf_of_user_id IS NOT NULL) THEN 'person'
      ELSE 'gap'
    END AS kind
  FROM numbered
),
named AS (
  SELECT
    row_id, session_account_id, kind, caller_type, in_other_hands, only_claimed,
    CASE
      WHEN kind = 'user' THEN 'IAMUser'
      WHEN kind = 'root' THEN 'Root'
      WHEN kind = 'saml' THEN 'SAMLUser'
      WHEN kind IN ('web identity', 'cognito') THEN 'WebIdentityUser'
      WHEN kind IN ('saml into permission set', 'person', 'person in a role', 'person by service') THEN 'IdentityCenterUser'
      WHEN kind = 'federated' THEN CASE WHEN regexp_like(caller_session_issuer_arn, '\Aarn:[^:]+:iam:[^:]*:[^:]+:root\z') THEN 'Root' ELSE 'IAMUser' END
      WHEN kind IN ('workload', 'workload in a role') THEN 'Compute'
      WHEN kind = 'service' THEN 'AWSService'
      WHEN kind = 'certificate' THEN 'Certificate'
      WHEN caller_type IN ('AWSAccount', 'AssumedRole') THEN caller_type
      ELSE 'Unknown'
    END AS origin_type,
    CASE
      WHEN kind IN ('person', 'person in a role', 'person by service', 'service', 'cognito') THEN NULL
      WHEN kind = 'federated' THEN caller_session_issuer_arn
      WHEN kind IN ('workload', 'workload in a role') THEN caller_in_scope_of_arn
      ELSE caller_arn
    END AS origin_arn,
    CASE kind
      WHEN 'root' THEN COALESCE(caller_user_name, 'root')
      WHEN 'saml' THEN COALESCE(caller_user_name, session_name)
      WHEN 'saml into permission set' THEN COALESCE(caller_user_name, session_name)
      WHEN 'federated' THEN regexp_extract(caller_session_issuer_arn, '[^/:]*\z', 0)
      -- Whoever assumes a role of their own chooses the name of its session.
      WHEN 'person in a role' THEN CASE WHEN from_permission_set THEN caller_session_name ELSE caller_on_behalf_of_user_id END
      WHEN 'workload in a role' THEN COALESCE(caller_session_name, scope_name)
      WHEN 'workload' THEN COALESCE(pod_name, session_name)
      WHEN 'person by service' THEN session_name
      WHEN 'service' THEN caller_invoked_by
      WHEN 'cognito' THEN session_name
      WHEN 'gap' THEN COALESCE(caller_session_name, principal_name, own_name)
      ELSE own_name
    END AS origin_name,
    CASE kind
      WHEN 'federated' THEN regexp_extract(caller_session_issuer_arn, '\Aarn:[^:]+:(?:iam|sts):[^:]*:([^:]+):', 1)
      WHEN 'workload' THEN role_account_id
      WHEN 'service' THEN NULL
      WHEN 'certificate' THEN COALESCE(caller_account, recipient_account_id)
      ELSE caller_account
    END AS origin_account_id,
    CASE
      WHEN kind IN ('federated', 'workload', 'workload in a role', 'service', 'cognito') THEN NULL
      WHEN kind = 'person in a role' THEN caller_on_behalf_of_user_id
      WHEN kind IN ('person', 'person by service') THEN COALESCE(caller_on_behalf_of_user_id, caller_principal_id)
      ELSE caller_principal_id
    END AS origin_principal_id,
    CASE
      WHEN kind IN ('federated', 'workload', 'workload in a role', 'service') THEN NULL
      WHEN kind IN ('person', 'person in a role', 'person by service') THEN caller_on_behalf_of_identity_store_arn
      WHEN kind = 'certificate' THEN identity_provider_arn
      WHEN kind = 'cognito' THEN 'cognito-identity.amazonaws.com'
      ELSE caller_identity_provider
    END AS origin_identity_provider,
    caller_access_key_id AS origin_access_key_id,
    event_id, event_time, event_name, access_key_id, role_arn, session_arn, source_ip_address, user_agent,
    session_type IN ('Console', 'Witness') AS is_same_session,
    -- Whether the record shows which tags the call set: not those of a certificate, of Cognito, of a delegation, of a call that is not
    -- known, nor any where tags or policies take room and none are shown, or where not even the role is.
    session_type NOT IN ('Delegated', 'Unknown', 'WebIdentity')
      AND NOT by_certificate
      AND NOT (
        (COALESCE(packed_policy_size > 0, false) OR (session_type = 'AssumedRole' AND outcome = 'issued' AND role_arn IS NULL))
        AND session_tags IS NULL AND inherited_tags IS NULL AND session_policy_sha256 IS NULL AND session_policy_arns IS NULL
      )
      AND cardinality(own_keys) = COALESCE(cardinality(map_keys(session_tags)), 0) AS own_tags_known,
    caller_mfa, session_mfa,
    COALESCE(source_identity, caller_source_identity) AS source_identity, caller_source_identity,
    session_tags, inherited_tags, transitive_tag_keys, own_keys,
    -- The keys of logged tags that the call's own do not replace, in any case of letters (rule L8).
    filter(
      COALESCE(map_keys(inherited_tags), ARRAY[]),
      k -> NOT contains(transform(COALESCE(map_keys(session_tags), ARRAY[]), own -> lower(own)), lower(k))
    ) AS kept_keys
  FROM kinds
),
tagged AS (
  SELECT
    named.*,
    -- A type alone names nobody.
    kind <> 'gap' AND NOT in_other_hands AND NOT only_claimed
      AND (origin_name IS NOT NULL OR origin_arn IS NOT NULL OR origin_principal_id IS NOT NULL) AS is_known,
    array_sort(kept_keys || own_keys) AS tag_keys,
    array_sort(array_distinct(COALESCE(map_keys(inherited_tags), ARRAY[]) || COALESCE(transitive_tag_keys, ARRAY[]))) AS transitive_keys
  FROM named
)
SELECT
  row_id, session_account_id, is_known AS origin_known, origin_type, origin_arn, origin_name, origin_account_id, origin_principal_id,
  origin_identity_provider, origin_access_key_id,
  CASE WHEN NOT is_known THEN CASE WHEN caller_type = 'AWSAccount' THEN 'caller_copy_missing' ELSE 'not_in_logs' END END AS gap_reason,
  event_id, event_time, event_name, access_key_id, role_arn, session_arn, source_ip_address, user_agent, is_same_session,
  caller_mfa, session_mfa,
  -- MFA at the first hop, presented there or in the caller's session; unknown is not false, and only a user's or root's false says something.
  CASE
    WHEN NOT is_known THEN NULL
    WHEN COALESCE(session_mfa, false) OR COALESCE(caller_mfa, false) THEN true
    WHEN caller_type IN ('IAMUser', 'Root') THEN COALESCE(session_mfa, caller_mfa)
  END AS origin_mfa,
  source_identity, caller_source_identity, session_tags, inherited_tags, transitive_tag_keys, own_keys, own_tags_known,
  CASE WHEN cardinality(tag_keys) > 0 THEN
    map(tag_keys, transform(tag_keys, k -> CASE WHEN contains(kept_keys, k) THEN inherited_tags[k] ELSE session_tags[k] END))
  END AS effective_tags,
  filter(tag_keys, k -> contains(transform(transitive_keys, t -> lower(t)), lower(k))) AS passing_keys,
  CASE WHEN cardinality(transitive_keys) > 0 THEN transitive_keys END AS effective_transitive_tag_keys,
  -- What goes on with all tags of a role's or federated user's session that has no issuance here may have more.
  own_tags_known
    AND (inherited_tags IS NOT NULL OR (is_known AND NOT (is_same_session AND COALESCE(caller_type IN ('AssumedRole', 'FederatedUser'), false))))
    AS effective_tags_known,
  COALESCE(origin_account_id <> session_account_id, false) AS crosses_accounts
FROM tagged
