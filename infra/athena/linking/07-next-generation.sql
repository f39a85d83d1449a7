-- Adds to linking_lineage the rows whose candidates are all resolved, the last of them in the generation before (rules L5, L8 to L10).
--
-- Run again and again, $generation one higher each time, until it adds no row. A row with one candidate follows its parent by one
-- generation, so that only that generation is read for it. Where several agree on the origin, what they do not agree on stays empty;
-- where they do not, or where one is ambiguous itself, the row is a gap. Whose source identity is another than the caller's does not
-- fit (rule L4); a row of which none fits begins its chain, like those of the first generation.
WITH resolved_candidates AS (
  SELECT
    c.row_id, c.evidence, c.candidate_id, c.place, c.number_of_candidates, p.event_id, p.generation,
    c.evidence = 'issued_key' OR COALESCE(p.source_identity = b.caller_source_identity, true) AS fits
  FROM linking_candidates AS c
  JOIN linking_lineage AS p ON p.row_id = c.candidate_id
  JOIN linking_beginnings AS b ON b.row_id = c.row_id
  WHERE c.number_of_candidates > 1 OR p.generation = $generation - 1
),
chosen AS (
  SELECT
    row_id,
    min(evidence) AS evidence,
    COALESCE(min_by(candidate_id, place) FILTER (WHERE fits), min(candidate_id)) AS parent_id,
    count_if(fits) AS number_of_fitting,
    array_sort(array_distinct(array_agg(event_id) FILTER (WHERE fits))) AS candidate_event_ids
  FROM resolved_candidates
  GROUP BY row_id, number_of_candidates
  HAVING count(*) = number_of_candidates AND max(generation) = $generation - 1
),
several AS (
  SELECT
    c.row_id,
    c.parent_id,
    bool_and(
      COALESCE(o.gap_reason <> 'ambiguous', true)
      AND o.origin_known = p.origin_known AND o.origin_type = p.origin_type
      AND o.origin_account_id IS NOT DISTINCT FROM p.origin_account_id
      AND o.origin_principal_id IS NOT DISTINCT FROM p.origin_principal_id
      AND o.origin_arn IS NOT DISTINCT FROM p.origin_arn
      AND o.origin_identity_provider IS NOT DISTINCT FROM p.origin_identity_provider
      AND o.origin_name IS NOT DISTINCT FROM p.origin_name
      -- Anybody's sessions may be called the same: where it is not known it must be one session, by its key or its first call.
      AND (
        o.origin_known OR COALESCE(o.origin_access_key_id = p.origin_access_key_id, false)
        OR (
          o.origin_access_key_id IS NULL AND p.origin_access_key_id IS NULL
          AND o.origin_event_id = p.origin_event_id AND o.origin_event_time = p.origin_event_time
        )
      )
    ) AS agree,
    bool_and(o.origin_mfa IS NOT DISTINCT FROM p.origin_mfa) AS mfa_agrees,
    bool_and(o.origin_access_key_id IS NOT DISTINCT FROM p.origin_access_key_id) AS key_agrees,
    bool_and(o.origin_source_ip_address IS NOT DISTINCT FROM p.origin_source_ip_address) AS address_agrees,
    bool_and(o.origin_user_agent IS NOT DISTINCT FROM p.origin_user_agent) AS user_agent_agrees,
    bool_and(o.source_identity IS NOT DISTINCT FROM p.source_identity) AS source_identity_agrees,
    bool_and(
      o.effective_tags_known = p.effective_tags_known
      AND o.effective_transitive_tag_keys IS NOT DISTINCT FROM p.effective_transitive_tag_keys
      AND CASE
        WHEN b.is_same_session THEN o.effective_tags IS NOT DISTINCT FROM p.effective_tags
        ELSE o.passing_keys = p.passing_keys
          AND transform(o.passing_keys, k -> o.effective_tags[k]) = transform(p.passing_keys, k -> p.effective_tags[k])
      END
    ) AS tags_agree
  FROM chosen AS c
  JOIN resolved_candidates AS r ON r.row_id = c.row_id AND r.fits
  JOIN linking_lineage AS o ON o.row_id = r.candidate_id
  JOIN linking_lineage AS p ON p.row_id = c.parent_id
  JOIN linking_beginnings AS b ON b.row_id = c.row_id
  WHERE c.number_of_fitting > 1
  GROUP BY c.row_id, c.parent_id
),
parents AS (
  SELECT * FROM linking_lineage WHERE generation = $generation - 1
  UNION ALL
  SELECT * FROM linking_lineage WHERE generation < $generation - 1 AND row_id IN (SELECT parent_id FROM chosen)
),
linked AS (
  SELECT
    b.*,
    c.evidence,
    CASE WHEN c.number_of_fitting > 1 THEN c.candidate_event_ids END AS candidate_event_ids,
    c.number_of_fitting > 0 AS has_parent,
    COALESCE(s.agree, true) AS candidates_agree,
    COALESCE(s.tags_agree, true) AS tags_agree,
    p.event_id AS parent_event_id, p.event_time AS parent_event_time, p.event_name AS parent_event_name,
    p.access_key_id AS parent_access_key_id, p.role_arn AS parent_role_arn, p.session_account_id AS parent_account_id,
    p.session_arn AS parent_session_arn, p.source_ip_address AS parent_source_ip_address, p.session_mfa AS parent_session_mfa,
    p.link_evidence AS parent_link_evidence,
    p.origin_known AS parent_origin_known, p.origin_type AS parent_origin_type, p.origin_arn AS parent_origin_arn,
    p.origin_name AS parent_origin_name, p.origin_account_id AS parent_origin_account_id,
    p.origin_principal_id AS parent_origin_principal_id, p.origin_identity_provider AS parent_origin_identity_provider,
    p.origin_event_id, p.origin_event_time,
    CASE WHEN COALESCE(s.key_agrees, true) THEN p.origin_access_key_id END AS parent_origin_access_key_id,
    CASE WHEN COALESCE(s.address_agrees, true) THEN p.origin_source_ip_address END AS origin_source_ip_address,
    CASE WHEN COALESCE(s.user_agent_agrees, true) THEN p.origin_user_agent END AS origin_user_agent,
    CASE WHEN COALESCE(s.mfa_agrees, true) THEN p.origin_mfa END AS parent_origin_mfa,
    CASE WHEN COALESCE(s.source_identity_agrees, true) THEN p.source_identity END AS parent_source_identity,
    -- A console session is its parent's session, and a witness tells of a call made with it: these keep all tags.
    COALESCE(b.inherited_tags, p.effective_tags) AS handed_down_tags,
    CASE
      WHEN b.inherited_tags IS NOT NULL THEN map_keys(b.inherited_tags)
      WHEN NOT COALESCE(s.tags_agree, true) THEN NULL
      WHEN b.is_same_session THEN map_keys(p.effective_tags)
      ELSE p.passing_keys
    END AS handed_down_keys,
    CASE
      WHEN b.inherited_tags IS NOT NULL THEN map_keys(b.inherited_tags)
      WHEN COALESCE(s.tags_agree, true) THEN p.effective_transitive_tag_keys
    END AS handed_down_transitive_keys,
    p.effective_tags_known AS parent_tags_known,
    p.chain_depth, p.chain, p.chain_event_ids, p.chain_access_key_ids, p.chain_role_arns, p.chain_account_ids, p.chain_truncated,
    p.crosses_accounts AS parent_crosses_accounts,
    COALESCE(cardinality(p.chain_event_ids), 0) AS hops
  FROM chosen AS c
  LEFT JOIN several AS s ON s.row_id = c.row_id
  JOIN parents AS p ON p.row_id = c.parent_id
  JOIN linking_beginnings AS b ON b.row_id = c.row_id
  LEFT JOIN (SELECT row_id FROM linking_lineage WHERE gap_reason = 'loop') AS l ON l.row_id = c.row_id
  WHERE l.row_id IS NULL
),
kept AS (
  SELECT
    linked.*,
    has_parent AND candidates_agree AS agree,
    filter(
      COALESCE(handed_down_keys, ARRAY[]),
      k -> NOT contains(transform(COALESCE(map_keys(session_tags), ARRAY[]), own -> lower(own)), lower(k))
    ) AS kept_keys,
    array_sort(array_distinct(COALESCE(handed_down_transitive_keys, ARRAY[]) || COALESCE(transitive_tag_keys, ARRAY[]))) AS transitive_keys
  FROM linked
),
tagged AS (
  SELECT
    kept.*,
    array_sort(kept_keys || own_keys) AS tag_keys
  FROM kept
),
resolved AS (
  SELECT
    tagged.*,
    CASE
      WHEN NOT agree THEN effective_tags
      WHEN cardinality(tag_keys) > 0 THEN
        map(tag_keys, transform(tag_keys, k -> CASE WHEN contains(kept_keys, k) THEN handed_down_tags[k] ELSE session_tags[k] END))
    END AS tags_now,
    CASE
      WHEN NOT agree THEN effective_transitive_tag_keys
      WHEN cardinality(transitive_keys) > 0 THEN transitive_keys
    END AS transitive_keys_now
  FROM tagged
)
SELECT
  row_id, session_account_id, event_id, event_time, event_name, access_key_id, role_arn, session_arn, source_ip_address, session_mfa,
  CASE WHEN agree THEN 'linked' WHEN has_parent OR gap_reason IS NOT NULL THEN 'gap' ELSE 'origin' END AS link_status,
  CASE WHEN agree THEN evidence END AS link_evidence,
  candidate_event_ids AS link_candidates,
  CASE WHEN NOT has_parent THEN gap_reason WHEN NOT agree THEN 'ambiguous' END AS gap_reason,
  CASE WHEN agree THEN parent_event_id END AS parent_event_id,
  CASE WHEN agree THEN parent_access_key_id END AS parent_access_key_id,
  CASE WHEN agree THEN parent_origin_known ELSE NOT has_parent AND origin_known END AS origin_known,
  CASE WHEN agree THEN parent_origin_type ELSE origin_type END AS origin_type,
  CASE WHEN agree THEN parent_origin_arn ELSE origin_arn END AS origin_arn,
  CASE WHEN agree THEN parent_origin_name ELSE origin_name END AS origin_name,
  CASE WHEN agree THEN parent_origin_account_id ELSE origin_account_id END AS origin_account_id,
  CASE WHEN agree THEN parent_origin_principal_id ELSE origin_principal_id END AS origin_principal_id,
  CASE WHEN agree THEN parent_origin_identity_provider ELSE origin_identity_provider END AS origin_identity_provider,
  CASE WHEN agree THEN parent_origin_access_key_id ELSE origin_access_key_id END AS origin_access_key_id,
  CASE WHEN agree THEN origin_event_id ELSE event_id END AS origin_event_id,
  CASE WHEN agree THEN origin_event_time ELSE event_time END AS origin_event_time,
  CASE WHEN agree THEN origin_source_ip_address ELSE source_ip_address END AS origin_source_ip_address,
  CASE WHEN agree THEN origin_user_agent ELSE user_agent END AS origin_user_agent,
  CASE WHEN agree THEN parent_origin_mfa WHEN NOT has_parent THEN origin_mfa END AS origin_mfa,
  CASE WHEN agree THEN COALESCE(source_identity, parent_source_identity) ELSE source_identity END AS source_identity,
  tags_now AS effective_tags,
  filter(
    COALESCE(map_keys(tags_now), ARRAY[]),
    k -> contains(transform(COALESCE(transitive_keys_now, ARRAY[]), t -> lower(t)), lower(k))
  ) AS passing_keys,
  transitive_keys_now AS effective_transitive_tag_keys,
  CASE
    WHEN has_parent THEN own_tags_known AND (inherited_tags IS NOT NULL OR (agree AND tags_agree AND parent_tags_known))
    ELSE effective_tags_known
  END AS effective_tags_known,
  CASE WHEN agree THEN chain_depth + 1 ELSE 0 END AS chain_depth,
  -- Rule L10: the 31 nearest ancestors of the parent, and the parent.
  CASE WHEN agree THEN
    COALESCE(slice(chain, greatest(hops - 30, 1), 31), ARRAY[]) || ARRAY[
      CAST(
        ROW(parent_event_time, parent_event_name, parent_session_arn, parent_source_ip_address, parent_session_mfa, parent_link_evidence)
        AS ROW(
          event_time timestamp(3), event_name varchar, session_arn varchar, source_ip_address varchar, session_mfa boolean,
          link_evidence varchar
        )
      )
    ]
  END AS chain,
  CASE WHEN agree THEN COALESCE(slice(chain_event_ids, greatest(hops - 30, 1), 31), ARRAY[]) || ARRAY[parent_event_id] END AS chain_event_ids,
  CASE WHEN agree THEN
    COALESCE(slice(chain_access_key_ids, greatest(hops - 30, 1), 31), ARRAY[]) || ARRAY[parent_access_key_id]
  END AS chain_access_key_ids,
  CASE WHEN agree THEN COALESCE(slice(chain_role_arns, greatest(hops - 30, 1), 31), ARRAY[]) || ARRAY[parent_role_arn] END AS chain_role_arns,
  CASE WHEN agree THEN COALESCE(slice(chain_account_ids, greatest(hops - 30, 1), 31), ARRAY[]) || ARRAY[parent_account_id] END AS chain_account_ids,
  agree AND (chain_truncated OR hops > 31) AS chain_truncated,
  CASE WHEN agree THEN parent_crosses_accounts OR COALESCE(parent_account_id <> session_account_id, false) ELSE crosses_accounts END
    AS crosses_accounts,
  $generation AS generation
FROM resolved
