-- For each session and second of issuance, which issuances fit (docs/LINKING.md, rules L4 and L5).
--
-- For calls whose access key was never logged as issued. A call meets one row at most: ARN and creation time are the call's,
-- `from_time` <= time < `until_time`, and `session_principal_id` is null or the call's. `agreed` is false where several
-- issuances fit and lead to different origins.
WITH speaking AS (
  SELECT
    p.*,
    row_number() OVER (PARTITION BY p.session_arn, p.event_time ORDER BY p.event_id) AS place
  FROM possible_parents AS p
  WHERE p.until_time > p.event_time
    AND (p.session_principal_id IS NOT NULL OR p.session_type = 'AssumedRole')
)
SELECT
  s.session_arn AS session_arn,
  s.event_time AS from_time,
  max(s.until_time) AS until_time,
  max(s.session_principal_id) AS session_principal_id,
  count(*) AS candidates,
  count(DISTINCT s.same_origin) = 1 AND count(DISTINCT s.session_principal_id) < 2 AS agreed,
  min(s.event_id) AS parent_event_id,
  bool_or(s.place = 1 AND s.origin_known) AS origin_known,
  max(CASE WHEN s.place = 1 THEN s.origin_type END) AS origin_type,
  max(CASE WHEN s.place = 1 THEN s.origin_arn END) AS origin_arn,
  max(CASE WHEN s.place = 1 THEN s.origin_name END) AS origin_name,
  max(CASE WHEN s.place = 1 THEN s.origin_account_id END) AS origin_account_id,
  max(CASE WHEN s.place = 1 THEN s.origin_principal_id END) AS origin_principal_id,
  max(CASE WHEN s.place = 1 THEN s.origin_identity_provider END) AS origin_identity_provider,
  CASE WHEN count(s.origin_access_key_id) = count(*) AND count(DISTINCT s.origin_access_key_id) = 1 THEN max(s.origin_access_key_id) END
    AS origin_access_key_id,
  max(CASE WHEN s.place = 1 THEN s.origin_event_id END) AS origin_event_id,
  max(CASE WHEN s.place = 1 THEN s.origin_event_time END) AS origin_event_time,
  CASE WHEN count(s.origin_source_ip_address) = count(*) AND count(DISTINCT s.origin_source_ip_address) = 1 THEN max(s.origin_source_ip_address) END
    AS origin_source_ip_address,
  CASE WHEN count(s.origin_mfa) = count(*) AND count(DISTINCT s.origin_mfa) = 1 THEN bool_or(s.origin_mfa) END AS origin_mfa,
  max(CASE WHEN s.place = 1 THEN s.chain_depth + 1 END) AS chain_depth
FROM speaking AS s
GROUP BY s.session_arn, s.event_time
