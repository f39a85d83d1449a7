-- For each issued access key and session, in which stretch of time which issuances fit (docs/LINKING.md, rules L3 and L5).
--
-- Stretches of one key and session do not overlap, so a call meets one row at most: key and ARN are the call's,
-- `from_time` <= time < `until_time`, and `session_principal_id` is null or the call's. `agreed` is false where several
-- issuances fit and lead to different origins.
WITH moments AS (
  SELECT access_key_id, session_arn, event_time AS from_time
  FROM possible_parents
  WHERE access_key_id IS NOT NULL
  UNION
  SELECT access_key_id, session_arn, until_time AS from_time
  FROM possible_parents
  WHERE access_key_id IS NOT NULL
),
stretches AS (
  SELECT
    access_key_id,
    session_arn,
    from_time,
    lead(from_time) OVER (PARTITION BY access_key_id, session_arn ORDER BY from_time) AS until_time
  FROM moments
),
fitting AS (
  SELECT
    t.from_time AS from_time,
    t.until_time AS stretch_until_time,
    p.*,
    row_number() OVER (
      PARTITION BY t.access_key_id, t.session_arn, t.from_time, p.one_call
      ORDER BY p.fuller_copy DESC, p.event_id
    ) AS copy
  FROM stretches AS t
  JOIN possible_parents AS p
    ON p.access_key_id = t.access_key_id
    AND p.session_arn = t.session_arn
  WHERE p.event_time <= t.from_time
    AND p.until_time > t.from_time
),
speaking AS (
  SELECT
    f.*,
    row_number() OVER (PARTITION BY f.access_key_id, f.session_arn, f.from_time ORDER BY f.event_id) AS place
  FROM fitting AS f
  WHERE f.copy = 1
)
SELECT
  s.access_key_id AS access_key_id,
  s.session_arn AS session_arn,
  s.from_time AS from_time,
  s.stretch_until_time AS until_time,
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
GROUP BY s.access_key_id, s.session_arn, s.from_time, s.stretch_until_time
