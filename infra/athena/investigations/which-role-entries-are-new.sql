-- Which ways into a role were never used before?
--
-- Finds: pairs of a principal and a role it entered between $since and $until, but not between $baseline and $since: a link of
--   a chain seen for the first time.
-- Read: `from_principal` is what a trust policy names: a role, a user, a service, a web identity's provider and subject, a SAML
--   provider. A subject that comes from another provider than before is a new way, and a forged one perhaps. `role_is_new` is
--   true where nobody entered the role before: new, or just quiet. A short baseline makes everything new.
-- Scans: the days from $baseline to $until, flat columns only.
--
-- $baseline day: first day of the history to compare with, such as 2026-10-20
-- $since day: first day to report, such as 2026-11-20
-- $until day: last day to report
SELECT
  n.from_type,
  n.from_principal,
  n.to_role_arn,
  n.sessions,
  n.origins,
  n.first_time,
  n.an_event_id,
  b.to_role_arn IS NULL AS role_is_new
FROM (
  SELECT
    from_type,
    from_principal,
    to_role_arn,
    count(*) AS sessions,
    count(
      DISTINCT origin_type || ' ' || coalesce(origin_arn, '') || ' ' || coalesce(origin_issuer, '') || ' '
        || coalesce(origin_name, '')
    ) AS origins,
    min(event_time) AS first_time,
    min(event_id) AS an_event_id
  FROM role_edges
  WHERE dt BETWEEN $since AND $until
  GROUP BY from_type, from_principal, to_role_arn
) AS n
LEFT JOIN (
  SELECT DISTINCT from_type, from_principal, to_role_arn
  FROM role_edges
  WHERE dt >= $baseline
    AND dt < $since
) AS e
  ON coalesce(e.from_type, '') = coalesce(n.from_type, '')
  AND e.from_principal = n.from_principal
  AND e.to_role_arn = n.to_role_arn
LEFT JOIN (
  SELECT DISTINCT to_role_arn
  FROM role_edges
  WHERE dt >= $baseline
    AND dt < $since
) AS b ON b.to_role_arn = n.to_role_arn
WHERE e.to_role_arn IS NULL
  AND n.from_principal IS NOT NULL
ORDER BY n.first_time, n.from_principal, n.to_role_arn, n.from_type
