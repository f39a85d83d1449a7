-- Adds to linking_ways, for rows that no generation could resolve: to which other such rows their candidates lead.
--
-- The rows left over are those of a loop, or descend from one; all candidates within a loop are of one second. Run again and again
-- until it adds no way; with no rows left over, the first run adds none.
WITH steps AS (
  SELECT DISTINCT c.row_id AS from_id, c.candidate_id AS to_id
  FROM linking_candidates AS c
  LEFT JOIN linking_lineage AS a ON a.row_id = c.row_id
  LEFT JOIN linking_lineage AS b ON b.row_id = c.candidate_id
  WHERE a.row_id IS NULL AND b.row_id IS NULL
),
longer AS (
  SELECT from_id, to_id FROM steps
  UNION
  SELECT w.from_id, s.to_id FROM linking_ways AS w JOIN steps AS s ON s.from_id = w.to_id
)
SELECT longer.from_id, longer.to_id
FROM longer
LEFT JOIN linking_ways AS w ON w.from_id = longer.from_id AND w.to_id = longer.to_id
WHERE w.from_id IS NULL
