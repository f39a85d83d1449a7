-- What did this access key turn into, at any depth?
--
-- Finds: every call for credentials behind which the key stands, or may stand: made with it, or with a session that came from
--   it, however many roles lie between. Refused calls too: they show what was tried.
-- Read: `descends` is yes where the way from the key to the row is certain. It is may where several issuances fit the session
--   of a caller on that way (`candidates`, in the row of that call), and not each of them handed the key out, was asked for
--   with it or began with it: the logs do not tell which it was. Everything handed out here, both kinds, is to be taken for
--   stolen if the key was, until `expires_at`. `steps` is how many hops lie between the key and the row: 1 is a call made with
--   the key itself. `origin_known` false does not weaken the row: the way from the key to it is known, only the way to the key
--   is not. A temporary key ID may recur after weeks; keep the days near. A row has the 32 nearest hops of its chain: what a
--   temporary key turned into beyond 32 hops, and what may have come from either kind beyond 32, is not here, where
--   `chain_truncated` is true in the last rows. Nor is what only a second choice between issuances leads to, behind a first
--   one. `trailback descendants` follows both.
-- Scans: the days from $since to $until, with the lists of the chains and of candidates; Athena reads whole rows for them.
--
-- $access_key_id text: the key as the alert shows it, long-term or temporary
-- $since day: first day to look at, the day from which the key may have been stolen
-- $until day: last day to look at
WITH reached AS (
  -- By parents; `links` is how many of the nearest links must be believed for it.
  SELECT event_id, 1 AS steps, 0 AS links
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND caller_access_key_id = $access_key_id
  UNION ALL
  SELECT event_id, chain_depth + 1 AS steps, 0 AS links
  FROM sessions
  WHERE dt BETWEEN $since AND $until
    AND origin_access_key_id = $access_key_id
  UNION ALL
  SELECT event_id, distance AS steps, distance AS links
  FROM session_chains
  WHERE dt BETWEEN $since AND $until
    AND ancestor_access_key_id = $access_key_id
  UNION ALL
  -- Keys of the console and of Identity Center are in no chain, since no call handed them out: what they made is.
  SELECT c.event_id, c.distance + 1 AS steps, c.distance AS links
  FROM session_chains AS c
  JOIN sessions AS m ON m.event_id = c.ancestor_event_id
  WHERE c.dt BETWEEN $since AND $until
    AND m.dt BETWEEN $since AND $until
    AND m.caller_access_key_id = $access_key_id
),
choices AS (
  -- Calls whose caller's session several issuances fit; `steps` is null where none of these is the key's.
  SELECT
    f.event_id,
    min(k.steps) + 1 AS steps,
    count(CASE WHEN k.links = 0 THEN 1 END) = count(*) AS all_of_key
  FROM (
    SELECT s.event_id, t.candidate
    FROM sessions AS s
    CROSS JOIN UNNEST(s.link_candidates) AS t (candidate)
    WHERE s.dt BETWEEN $since AND $until
      AND coalesce(s.caller_access_key_id, '') <> $access_key_id
  ) AS f
  LEFT JOIN (
    SELECT event_id, min(steps) AS steps, min(links) AS links
    FROM (
      SELECT event_id, 0 AS steps, 0 AS links
      FROM sessions
      WHERE dt BETWEEN $since AND $until
        AND access_key_id = $access_key_id
      UNION ALL
      SELECT event_id, steps, links
      FROM reached
    ) AS b
    GROUP BY event_id
  ) AS k ON k.event_id = f.candidate
  GROUP BY f.event_id
),
ways AS (
  -- The choices on the way to a call: its own, and those of its ancestors.
  SELECT event_id, 0 AS distance, steps, all_of_key
  FROM choices
  UNION ALL
  SELECT c.event_id, c.distance, o.steps, o.all_of_key
  FROM session_chains AS c
  JOIN choices AS o ON o.event_id = c.ancestor_event_id
  WHERE c.dt BETWEEN $since AND $until
),
nearest AS (
  SELECT
    event_id,
    min(steps) AS steps,
    min(links) AS links,
    min(doubtful_at) AS doubtful_at
  FROM (
    SELECT event_id, steps, links, CAST(NULL AS bigint) AS doubtful_at
    FROM reached
    UNION ALL
    SELECT
      event_id,
      steps + distance AS steps,
      CAST(NULL AS bigint) AS links,
      CASE WHEN NOT all_of_key THEN distance END AS doubtful_at
    FROM ways
  ) AS w
  GROUP BY event_id
)
SELECT
  CASE WHEN n.links <= coalesce(n.doubtful_at, n.links) THEN 'yes' ELSE 'may' END AS descends,
  CAST(n.steps AS bigint) AS steps,
  s.event_time,
  s.expires_at,
  s.event_id,
  s.event_name,
  s.outcome,
  s.error_code,
  s.session_type,
  s.session_arn,
  s.role_arn,
  s.access_key_id,
  s.caller_arn,
  s.caller_access_key_id,
  s.source_ip_address,
  s.user_agent,
  s.session_scope_sha256,
  s.link_evidence,
  s.gap_reason,
  s.origin_known,
  s.origin_name,
  s.parent_event_id,
  array_join(s.link_candidates, ' ') AS candidates,
  s.chain_truncated
FROM nearest AS n
JOIN sessions AS s ON s.event_id = n.event_id
WHERE s.dt BETWEEN $since AND $until
  AND n.steps IS NOT NULL
ORDER BY s.event_time, s.event_id
