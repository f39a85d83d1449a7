-- One row for each session tag in force in a session that exists.
--
-- `origin_issuer` is, of a web identity, who issued its token, whatever account trusts it: a subject means nothing without.
-- `has_candidates` says that several issuances fit as the parent, of which `parent_event_id` names one.
-- Where `effective_tags_known` is false, inherited tags may be missing here. Tags of the IAM role itself are in no log.
SELECT
  s.dt AS dt,
  s.event_time AS event_time,
  s.event_id AS event_id,
  s.parent_event_id AS parent_event_id,
  coalesce(cardinality(s.link_candidates), 0) > 1 AS has_candidates,
  s.role_arn AS role_arn,
  s.session_arn AS session_arn,
  s.origin_known AS origin_known,
  s.origin_type AS origin_type,
  s.origin_arn AS origin_arn,
  s.origin_name AS origin_name,
  CASE WHEN s.origin_type = 'WebIdentityUser' THEN regexp_replace(s.origin_identity_provider, '^.*:oidc-provider/', '') END
    AS origin_issuer,
  s.effective_tags_known AS effective_tags_known,
  map_keys(s.effective_tags)[t.position] AS tag_key,
  map_values(s.effective_tags)[t.position] AS tag_value
FROM sessions AS s
CROSS JOIN UNNEST(sequence(1, cardinality(map_keys(s.effective_tags)))) AS t (position)
WHERE s.outcome = 'issued'
  AND s.session_type <> 'Witness'
