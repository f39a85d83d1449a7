-- Which workloads got their credentials by version 1 of the metadata service?
--
-- Finds: roles and sessions of instances whose credentials were delivered by IMDSv1, and asked for further sessions.
-- Read: version 1 is what server-side request forgery reads credentials from. Only calls for credentials are seen here; the
--   raw events of the role tell the rest.
-- Scans: the days from $since to $until, flat columns only.
--
-- $since day: first day to look at, such as 2026-11-20
-- $until day: last day to look at
SELECT
  caller_account_id,
  caller_session_issuer_arn,
  caller_arn,
  count(*) AS calls,
  count(DISTINCT role_arn) AS roles,
  count(DISTINCT source_ip_address) AS addresses,
  min(event_time) AS first_time,
  max(event_time) AS last_time,
  min(event_id) AS an_event_id
FROM sessions
WHERE dt BETWEEN $since AND $until
  AND caller_ec2_role_delivery = '1.0'
GROUP BY caller_account_id, caller_session_issuer_arn, caller_arn
ORDER BY caller_account_id, caller_arn, caller_session_issuer_arn
