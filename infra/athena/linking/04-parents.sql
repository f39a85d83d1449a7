-- Makes linking_parents: what may have handed out a caller's credentials (rules L3, L4), or replaces such a row (rule L1).
--
-- Issued rows, no witnesses, and GetSigninToken only where it handed out another key than its caller's: of the days being linked,
-- and of the 36 hours before them, which are linked and published already.
SELECT
  candidates.*,
  COALESCE(
    outcome = 'issued' AND session_type <> 'Witness'
      AND NOT (session_type = 'Console' AND COALESCE(access_key_id = caller_access_key_id, false)),
    false
  ) AS can_be_parent,
  -- The account that an issuance itself tells of its session.
  COALESCE(role_account_id, NULLIF(regexp_extract(session_arn, '\Aarn:[^:]+:[^:]*:[^:]*:([^:]+):.', 1), '')) AS told_account_id
FROM (
  SELECT
    row_id, false AS is_linked, session_account_id, event_id, event_ids, event_time, recipient_account_id, request_id, shared_event_id,
    replaces_event_id, outcome, session_type, access_key_id, session_principal_id, session_arn, session_name, role_name, role_account_id,
    caller_type, caller_arn, caller_access_key_id
  FROM linking_issuances
  UNION ALL
  SELECT
    CAST(length(event_id) AS varchar) || ':' || event_id || COALESCE(':' || recipient_account_id, '')
      || '@' || CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', event_time) AS varchar),
    true,
    COALESCE(
      role_account_id, CASE WHEN session_type = 'AssumedRoot' THEN session_principal_id END, caller_account_id, recipient_account_id
    ),
    event_id, event_ids, event_time, recipient_account_id, request_id, shared_event_id, replaces_event_id, outcome, session_type,
    access_key_id, session_principal_id, session_arn, session_name, role_name, role_account_id, caller_type, caller_arn,
    caller_access_key_id
  FROM sessions
  WHERE dt < '$since' AND dt >= '$before' AND event_time >= TIMESTAMP '$since 00:00:00' - INTERVAL '36' HOUR
) AS candidates
WHERE replaces_event_id IS NOT NULL
  OR (
    outcome = 'issued' AND session_type <> 'Witness'
    AND NOT (session_type = 'Console' AND COALESCE(access_key_id = caller_access_key_id, false))
  )
