-- Which GitHub, EKS and other OIDC subjects enter which roles?
--
-- Finds: for each identity provider, subject and audience the roles it entered, with numbers, addresses and times; refused
--   attempts beside them, also those whose record names no subject.
-- Read: a GitHub subject names repository and branch or environment: a role that takes subjects of pull requests or of any
--   branch is open to whoever may push. A service account's subject names namespace and account. Addresses that are not the
--   runner's or the cluster's mean that the token left its home.
-- Scans: the days from $since to $until, flat columns only.
--
-- $subject text: the subject, with % for any text, such as repo:%; % alone for all
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  caller_identity_provider AS identity_provider,
  caller_user_name AS subject,
  oidc_audience,
  role_arn,
  sum(CASE WHEN outcome = 'issued' THEN 1 ELSE 0 END) AS sessions,
  sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS refused,
  count(DISTINCT source_ip_address) AS addresses,
  count(DISTINCT session_name) AS session_names,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND caller_type = 'WebIdentityUser'
  AND session_type <> 'Witness'
  AND coalesce(caller_user_name, '') LIKE $subject
GROUP BY caller_identity_provider, caller_user_name, oidc_audience, role_arn
ORDER BY identity_provider, subject, role_arn, oidc_audience
