-- Who is behind every event of your CloudTrail table?
--
-- The raw events of a table made by AWS's own DDL ("Create a table for CloudTrail logs", Amazon Athena user guide), each with
-- the identity at the beginning of its chain: one row for each row of that table, whatever is found. `${CloudTrailTable}` is
-- your table with its database, `${CloudTrailPartitions}` its partition columns; a condition on these is what keeps a query
-- cheap. The lake is read whole, a few flat columns of it.
--
-- `link_status` is linked where the issuance of the caller's session is in the lake (`parent_event_id`, `link_evidence`), origin
-- where the caller names itself, and gap where nobody can be named (`gap_reason`). docs/LINKING.md has the rules: by issued key,
-- else by session context, at most 36 hours back. Where several issuances fit and lead to different origins, the origin is null
-- and the reason `ambiguous`. AWS's DDL has no `inScopeOf`: a workload's session whose issuance is not in the lake is a gap here
-- where Trailback's own table names the workload; nor has it `invokedByDelegate`: where the issuance is not in the lake, a
-- delegated session looks like its user; nor `sourceIdentity`, which rules an issuance out that only fits by context. Where
-- `origin_known` is false the origin columns name the furthest principal known.
WITH events AS (
  SELECT
    e.eventversion AS eventversion,
    e.eventtime AS eventtime,
    e.eventsource AS eventsource,
    e.eventname AS eventname,
    e.awsregion AS awsregion,
    e.sourceipaddress AS sourceipaddress,
    e.useragent AS useragent,
    e.errorcode AS errorcode,
    e.errormessage AS errormessage,
    e.requestparameters AS requestparameters,
    e.responseelements AS responseelements,
    e.additionaleventdata AS additionaleventdata,
    e.requestid AS requestid,
    e.eventid AS eventid,
    e.readonly AS readonly,
    e.eventtype AS eventtype,
    e.recipientaccountid AS recipientaccountid,
    e.sharedeventid AS sharedeventid,
    e.vpcendpointid AS vpcendpointid,
    ${CloudTrailPartitions},
    e.useridentity.type AS caller_type,
    e.useridentity.principalid AS caller_principal_id,
    e.useridentity.arn AS caller_arn,
    e.useridentity.accountid AS caller_account_id,
    e.useridentity.accesskeyid AS caller_access_key_id,
    e.useridentity.username AS caller_user_name,
    e.useridentity.invokedby AS caller_invoked_by,
    e.useridentity.onbehalfof.userid AS caller_on_behalf_of_user_id,
    e.useridentity.onbehalfof.identitystorearn AS caller_on_behalf_of_identity_store_arn,
    e.useridentity.sessioncontext.sessionissuer.arn AS caller_session_issuer_arn,
    e.useridentity.sessioncontext.ec2roledelivery AS caller_ec2_role_delivery,
    e.useridentity.sessioncontext.attributes.mfaauthenticated AS caller_mfa,
    CAST(try(from_iso8601_timestamp(e.eventtime)) AS timestamp) AS event_time,
    CAST(try(from_iso8601_timestamp(e.useridentity.sessioncontext.attributes.creationdate)) AS timestamp)
      AS caller_session_created_at
  FROM ${CloudTrailTable} AS e
),
callers AS (
  SELECT
    e.*,
    coalesce(
      CASE
        -- A sign-in that was refused proves nothing of who made it.
        WHEN e.eventname IN ('ConsoleLogin', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetCredentialsForIdentity')
          AND coalesce(nullif(e.errorcode, ''), nullif(e.errormessage, '')) IS NOT NULL THEN false
        -- A session of root's may be one of AssumeRoot.
        WHEN e.caller_type = 'Root' AND e.caller_access_key_id LIKE 'AKIA%' THEN true
        WHEN e.caller_type = 'Root' THEN
          NOT coalesce(e.caller_access_key_id LIKE 'ASIA%', false) AND e.caller_session_created_at IS NULL
        ELSE e.caller_type IN ('IAMUser', 'SAMLUser', 'WebIdentityUser', 'IdentityCenterUser', 'AWSService')
      END,
      false
    ) AS names_itself,
    coalesce(
      e.caller_type = 'AssumedRole'
      AND (e.is_of_permission_set OR e.caller_on_behalf_of_user_id IS NOT NULL),
      false
    ) AS is_person,
    coalesce(e.caller_type = 'AssumedRole' AND e.caller_ec2_role_delivery IS NOT NULL, false) AS is_workload,
    coalesce(e.caller_type = 'FederatedUser' AND e.caller_session_issuer_arn IS NOT NULL, false) AS is_federated
  FROM (
    SELECT
      events.*,
      -- Nobody else may use the path.
      caller_arn LIKE '%:assumed-role/AWSReservedSSO!_%' ESCAPE '!'
        AND coalesce(caller_session_issuer_arn LIKE '%:role/aws-reserved/sso.amazonaws.com/%', false) AS is_of_permission_set
    FROM events
  ) AS e
),
found AS (
  SELECT
    e.*,
    CASE
      WHEN k.access_key_id IS NOT NULL THEN 'issued_key'
      WHEN c.session_arn IS NOT NULL THEN 'session_context'
    END AS evidence,
    coalesce(k.origin_known, c.origin_known) AS found_origin_known,
    coalesce(k.origin_type, c.origin_type) AS found_origin_type,
    coalesce(k.origin_arn, c.origin_arn) AS found_origin_arn,
    coalesce(k.origin_name, c.origin_name) AS found_origin_name,
    coalesce(k.origin_account_id, c.origin_account_id) AS found_origin_account_id,
    coalesce(k.origin_principal_id, c.origin_principal_id) AS found_origin_principal_id,
    coalesce(k.origin_identity_provider, c.origin_identity_provider) AS found_origin_identity_provider,
    coalesce(k.origin_access_key_id, c.origin_access_key_id) AS found_origin_access_key_id,
    coalesce(k.origin_event_id, c.origin_event_id) AS found_origin_event_id,
    coalesce(k.origin_event_time, c.origin_event_time) AS found_origin_event_time,
    coalesce(k.origin_source_ip_address, c.origin_source_ip_address) AS found_origin_source_ip_address,
    coalesce(k.origin_mfa, c.origin_mfa) AS found_origin_mfa,
    coalesce(k.chain_depth, c.chain_depth) AS found_chain_depth,
    coalesce(k.parent_event_id, c.parent_event_id) AS found_parent_event_id,
    coalesce(k.candidates, c.candidates) AS found_candidates,
    coalesce(k.agreed, c.agreed) AS found_agreed
  FROM callers AS e
  LEFT JOIN key_periods AS k
    ON k.access_key_id = e.caller_access_key_id
    AND k.session_arn = e.caller_arn
    AND k.from_time <= e.event_time
    AND k.until_time > e.event_time
    AND (k.session_principal_id IS NULL OR k.session_principal_id = e.caller_principal_id)
  -- Only where no issued key fits, so that of each pair of columns one at most has a value.
  LEFT JOIN context_periods AS c
    ON k.access_key_id IS NULL
    AND c.session_arn = e.caller_arn
    AND c.from_time = e.caller_session_created_at
    AND c.from_time <= e.event_time
    AND c.until_time > e.event_time
    AND (c.session_principal_id IS NULL OR c.session_principal_id = e.caller_principal_id)
)
SELECT
  f.eventversion AS eventversion,
  f.eventtime AS eventtime,
  f.eventsource AS eventsource,
  f.eventname AS eventname,
  f.awsregion AS awsregion,
  f.sourceipaddress AS sourceipaddress,
  f.useragent AS useragent,
  f.errorcode AS errorcode,
  f.errormessage AS errormessage,
  f.requestparameters AS requestparameters,
  f.responseelements AS responseelements,
  f.additionaleventdata AS additionaleventdata,
  f.requestid AS requestid,
  f.eventid AS eventid,
  f.readonly AS readonly,
  f.eventtype AS eventtype,
  f.recipientaccountid AS recipientaccountid,
  f.sharedeventid AS sharedeventid,
  f.vpcendpointid AS vpcendpointid,
  ${CloudTrailPartitions},
  f.event_time AS event_time,
  f.caller_type AS caller_type,
  f.caller_principal_id AS caller_principal_id,
  f.caller_arn AS caller_arn,
  f.caller_account_id AS caller_account_id,
  f.caller_access_key_id AS caller_access_key_id,
  f.caller_user_name AS caller_user_name,
  f.caller_invoked_by AS caller_invoked_by,
  f.caller_session_issuer_arn AS caller_session_issuer_arn,
  f.caller_session_created_at AS caller_session_created_at,
  f.caller_mfa AS caller_mfa,
  CASE
    WHEN f.found_agreed THEN 'linked'
    WHEN f.evidence IS NOT NULL THEN 'gap'
    WHEN f.names_itself THEN 'origin'
    WHEN f.is_person OR f.is_workload OR f.is_federated THEN 'origin'
    ELSE 'gap'
  END AS link_status,
  CASE WHEN f.found_agreed THEN f.evidence END AS link_evidence,
  CASE
    WHEN f.found_agreed THEN NULL
    WHEN f.evidence IS NOT NULL THEN 'ambiguous'
    WHEN f.names_itself THEN NULL
    WHEN f.is_person OR f.is_workload OR f.is_federated THEN NULL
    WHEN f.caller_type = 'AWSAccount' THEN 'caller_copy_missing'
    ELSE 'not_in_logs'
  END AS gap_reason,
  coalesce(f.found_candidates, 0) AS candidates,
  CASE WHEN f.found_agreed THEN f.found_parent_event_id END AS parent_event_id,
  CASE WHEN f.found_agreed THEN f.found_chain_depth ELSE 0 END AS chain_depth,
  CASE
    WHEN f.found_agreed THEN f.found_origin_known
    WHEN f.evidence IS NOT NULL THEN false
    ELSE f.names_itself OR f.is_person OR f.is_workload OR f.is_federated
  END AS origin_known,
  CASE
    WHEN f.found_agreed THEN f.found_origin_type
    WHEN f.evidence IS NOT NULL THEN NULL
    WHEN f.is_federated AND f.caller_session_issuer_arn LIKE '%:root' THEN 'Root'
    WHEN f.is_federated THEN 'IAMUser'
    WHEN f.is_person THEN 'IdentityCenterUser'
    WHEN f.is_workload THEN 'Compute'
    WHEN f.caller_type IN (
      'IAMUser', 'Root', 'SAMLUser', 'WebIdentityUser', 'IdentityCenterUser', 'AWSService', 'AWSAccount', 'AssumedRole'
    ) THEN f.caller_type
    ELSE 'Unknown'
  END AS origin_type,
  CASE
    WHEN f.found_agreed THEN f.found_origin_arn
    WHEN f.evidence IS NOT NULL THEN NULL
    WHEN f.is_federated THEN f.caller_session_issuer_arn
    WHEN f.is_person OR f.is_workload OR f.caller_type = 'IdentityCenterUser' THEN NULL
    ELSE f.caller_arn
  END AS origin_arn,
  CASE
    WHEN f.found_agreed THEN f.found_origin_name
    WHEN f.evidence IS NOT NULL THEN NULL
    WHEN f.is_federated AND f.caller_session_issuer_arn LIKE '%:root' THEN 'root'
    WHEN f.is_federated THEN reverse(split_part(reverse(f.caller_session_issuer_arn), '/', 1))
    WHEN f.is_person AND NOT coalesce(f.is_of_permission_set, false) THEN f.caller_on_behalf_of_user_id
    WHEN f.caller_type = 'AssumedRole' THEN split_part(f.caller_arn, '/', 3)
    WHEN f.caller_type = 'AWSService' THEN f.caller_invoked_by
    WHEN f.caller_type = 'Root' THEN coalesce(f.caller_user_name, 'root')
    ELSE coalesce(
      f.caller_user_name,
      reverse(split_part(reverse(f.caller_arn), '/', 1)),
      f.caller_on_behalf_of_user_id,
      f.caller_principal_id
    )
  END AS origin_name,
  CASE
    WHEN f.found_agreed THEN f.found_origin_account_id
    WHEN f.evidence IS NOT NULL THEN NULL
    WHEN f.is_federated THEN split_part(f.caller_session_issuer_arn, ':', 5)
    ELSE f.caller_account_id
  END AS origin_account_id,
  CASE
    WHEN f.found_agreed THEN f.found_origin_principal_id
    WHEN f.evidence IS NOT NULL OR f.is_federated OR f.is_workload THEN NULL
    WHEN f.is_person THEN f.caller_on_behalf_of_user_id
    WHEN f.caller_type = 'IdentityCenterUser' THEN coalesce(f.caller_on_behalf_of_user_id, f.caller_principal_id)
    ELSE f.caller_principal_id
  END AS origin_principal_id,
  CASE
    WHEN f.found_agreed THEN f.found_origin_identity_provider
    WHEN f.evidence IS NULL THEN f.caller_on_behalf_of_identity_store_arn
  END AS origin_identity_provider,
  CASE
    WHEN f.found_agreed THEN f.found_origin_access_key_id
    WHEN f.evidence IS NULL THEN f.caller_access_key_id
  END AS origin_access_key_id,
  CASE
    WHEN f.found_agreed THEN f.found_origin_event_id
    WHEN f.evidence IS NULL THEN f.eventid
  END AS origin_event_id,
  CASE
    WHEN f.found_agreed THEN f.found_origin_event_time
    WHEN f.evidence IS NULL THEN f.event_time
  END AS origin_event_time,
  CASE
    WHEN f.found_agreed THEN f.found_origin_source_ip_address
    WHEN f.evidence IS NULL THEN f.sourceipaddress
  END AS origin_source_ip_address,
  CASE
    WHEN f.found_agreed THEN f.found_origin_mfa
    WHEN f.evidence IS NOT NULL THEN NULL
    -- Who signs in elsewhere may have shown MFA there: only of a user or root does false say something.
    WHEN f.caller_type IN ('IAMUser', 'Root') THEN CASE f.caller_mfa WHEN 'true' THEN true WHEN 'false' THEN false END
    WHEN f.is_person OR f.is_workload OR f.is_federated OR f.caller_type NOT IN ('AssumedRole', 'AWSAccount')
      THEN CASE f.caller_mfa WHEN 'true' THEN true END
  END AS origin_mfa
FROM found AS f
