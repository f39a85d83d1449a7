-- Makes linking_candidates: for every caller the rows that may have issued its session (rules L3, L4; of L2 twins of two seconds).
--
-- By issued key, else by session context, never by both. One row for each candidate; the first, with the smallest event ID, becomes
-- the parent if all lead to one origin.
WITH replaced AS (
  SELECT p.row_id, r.event_time AS replaced_at
  FROM linking_parents AS p
  CROSS JOIN UNNEST(p.event_ids) AS e(id)
  JOIN linking_parents AS r
    ON r.replaces_event_id = e.id AND r.recipient_account_id IS NOT DISTINCT FROM p.recipient_account_id AND r.row_id <> p.row_id
),
found AS (
  SELECT c.row_id, c.event_time AS called_at, c.caller_session_issuer_arn AS issuer_arn, 'issued_key' AS evidence, p.row_id AS candidate_id
  FROM linking_issuances AS c
  JOIN linking_parents AS p ON p.access_key_id = c.caller_access_key_id
  WHERE CASE
    WHEN p.session_principal_id IS NOT NULL THEN
      p.session_principal_id = c.caller_principal_id AND COALESCE(p.session_account_id = c.caller_account_id, true)
    -- Named by neither principal nor role session (Cognito names an identity): the session was created in the second of the call.
    WHEN p.session_type = 'WebIdentity' OR p.role_account_id IS NULL OR p.role_name IS NULL OR p.session_name IS NULL THEN
      p.event_time = c.caller_session_created_at AND COALESCE(p.told_account_id = c.caller_account_id, true)
    ELSE
      p.role_account_id = c.caller_role_account_id AND p.role_name = c.caller_role_name AND p.session_name = c.caller_session_name
  END
  UNION ALL
  SELECT c.row_id, c.event_time, c.caller_session_issuer_arn, 'session_context', p.row_id
  FROM linking_issuances AS c
  JOIN linking_parents AS p ON p.session_principal_id = c.caller_principal_id AND p.event_time = c.caller_session_created_at
  UNION ALL
  SELECT c.row_id, c.event_time, c.caller_session_issuer_arn, 'session_context', p.row_id
  FROM linking_issuances AS c
  JOIN linking_parents AS p
    ON p.role_account_id = c.caller_role_account_id AND p.role_name = c.caller_role_name AND p.session_name = c.caller_session_name
    AND p.event_time = c.caller_session_created_at
  WHERE p.session_principal_id IS NULL AND p.session_type = 'AssumedRole'
),
possible AS (
  SELECT
    f.row_id, f.evidence, f.candidate_id, p.is_linked, p.event_id, p.recipient_account_id, p.event_time, p.shared_event_id, p.request_id,
    p.caller_type, min(f.evidence) OVER (PARTITION BY f.row_id) AS best_evidence
  FROM found AS f
  JOIN linking_parents AS p ON p.row_id = f.candidate_id
  LEFT JOIN replaced AS r
    ON r.row_id = f.candidate_id AND r.replaced_at BETWEEN f.called_at - INTERVAL '36' HOUR AND f.called_at
  WHERE p.can_be_parent AND r.row_id IS NULL AND f.candidate_id <> f.row_id
    AND p.event_time BETWEEN f.called_at - INTERVAL '36' HOUR AND f.called_at
    -- A federated user's name is chosen by whoever asks for its credentials; every call of it tells for whom it was made.
    AND NOT (p.session_type = 'FederatedUser' AND COALESCE(p.caller_arn <> f.issuer_arn, false))
),
copies AS (
  SELECT
    possible.*,
    row_number() OVER (
      PARTITION BY row_id, shared_event_id, request_id
      ORDER BY COALESCE(caller_type = 'AWSAccount', false), event_id, recipient_account_id NULLS FIRST, event_time
    ) AS copy
  FROM possible
  -- The key is the stronger evidence, and stands first in the alphabet.
  WHERE evidence = best_evidence
)
SELECT
  row_id, evidence, candidate_id, is_linked, event_time AS candidate_time,
  count(*) OVER (PARTITION BY row_id) AS number_of_candidates,
  row_number() OVER (PARTITION BY row_id ORDER BY event_id, recipient_account_id NULLS FIRST, event_time) AS place
FROM copies
WHERE copy = 1 OR shared_event_id IS NULL OR request_id IS NULL
