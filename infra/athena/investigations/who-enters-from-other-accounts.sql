-- Who enters roles from other accounts?
--
-- Finds: entries into a role by a caller of another account, by account and role, with whether an external ID came along
--   and whether the caller's side is in the logs.
-- Read: `caller_in_logs` is no where only the role's owner recorded the call: an account outside the organisation, or one
--   whose logs are not read. `by_explicit_trust` counts calls where the role trusts the caller by name; null is not logged.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  caller_account_id,
  role_account_id,
  role_arn,
  CASE WHEN caller_type = 'AWSAccount' THEN 'no' ELSE 'yes' END AS caller_in_logs,
  count(*) AS sessions,
  count(DISTINCT caller_principal_id) AS principals,
  count(DISTINCT source_ip_address) AS addresses,
  count(external_id) AS with_external_id,
  sum(CASE WHEN explicit_trust_grant THEN 1 WHEN NOT explicit_trust_grant THEN 0 END) AS by_explicit_trust,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions_issued
WHERE dt BETWEEN $since AND $until
  AND caller_account_id <> role_account_id
GROUP BY
  caller_account_id,
  role_account_id,
  role_arn,
  CASE WHEN caller_type = 'AWSAccount' THEN 'no' ELSE 'yes' END
ORDER BY caller_account_id, role_account_id, role_arn, caller_in_logs
