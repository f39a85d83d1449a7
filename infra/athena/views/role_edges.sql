-- One row for each entry into a role: from whom to which role.
--
-- `from_principal` is what a trust policy would name: the role behind the caller's session, an IAM user or root, an AWS
-- service, the subject of a web identity, the SAML provider; of a caller of another account known by its ID alone, the ID
-- of its user or role, without the name of the session.
SELECT
  dt,
  event_time,
  event_id,
  CASE
    WHEN caller_type = 'SAMLUser' THEN caller_identity_provider
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
  origin_name
FROM sessions
WHERE outcome = 'issued'
  AND session_type <> 'Witness'
  AND role_arn IS NOT NULL
