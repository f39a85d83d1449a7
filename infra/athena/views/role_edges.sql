-- One row for each entry into a role: from whom to which role.
--
-- `from_principal` is what a trust policy would name: the role behind the caller's session, an IAM user or root, an AWS
-- service, provider and subject of a web identity, the SAML provider; of a caller of another account known by its ID alone,
-- the ID of its user or role, without the name of the session. A console session made from a role session is that session,
-- and no entry. `origin_issuer` is, of a web identity, who issued its token, whatever account trusts it.
SELECT
  dt,
  event_time,
  event_id,
  CASE
    WHEN caller_type = 'SAMLUser' THEN coalesce(caller_identity_provider, caller_user_name, caller_principal_id)
    WHEN caller_type = 'WebIdentityUser'
      THEN coalesce(
        caller_identity_provider || ' ' || caller_user_name, caller_identity_provider, caller_user_name, caller_principal_id
      )
    WHEN caller_type = 'AWSAccount' THEN coalesce(caller_arn, split_part(caller_principal_id, ':', 1))
    ELSE coalesce(caller_session_issuer_arn, caller_arn, caller_invoked_by, caller_user_name, caller_principal_id)
  END AS from_principal,
  caller_type AS from_type,
  caller_account_id AS from_account_id,
  role_arn AS to_role_arn,
  role_account_id AS to_account_id,
  session_arn,
  access_key_id,
  source_ip_address,
  origin_known,
  origin_type,
  origin_arn,
  origin_name,
  CASE WHEN origin_type = 'WebIdentityUser' THEN regexp_replace(origin_identity_provider, '^.*:oidc-provider/', '') END
    AS origin_issuer
FROM sessions
WHERE outcome = 'issued'
  AND session_type NOT IN ('Witness', 'Console')
  AND role_arn IS NOT NULL
