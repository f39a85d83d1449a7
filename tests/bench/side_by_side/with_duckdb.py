"""The job with DuckDB: `with_duckdb.py FOLDER OUT`."""

import sys

import duckdb

from calls import NAMES, SOURCES

LARGEST = 1 << 28  # Bytes of one unpacked log object: DuckDB's own limit, 16 MiB, is below what CloudTrail writes.

# Records as JSON, and paths into them: quicker here than a schema of the fields.
EXTRACT = """
CREATE TABLE records AS
SELECT
    record ->> '$.eventID' AS event_id,
    (record ->> '$.eventTime')::TIMESTAMP AS event_time,
    record ->> '$.eventName' AS event_name,
    coalesce(record ->> '$.responseElements.credentials.accessKeyId',
             record ->> '$.responseElements.credentialSet[0].credentials.accessKeyId') AS access_key_id,
    coalesce(record ->> '$.responseElements.assumedRoleUser.arn', record ->> '$.responseElements.federatedUser.arn',
             record ->> '$.responseElements.credentialSet[0].assumedRoleUser.arn') AS session_arn,
    record ->> '$.requestParameters.roleArn' AS role_arn,
    record ->> '$.userIdentity.arn' AS caller_arn,
    record ->> '$.userIdentity.accessKeyId' AS caller_access_key_id
FROM (
    SELECT unnest(Records) AS record
    FROM read_json($objects, columns = {Records: 'JSON[]'}, format = 'unstructured', maximum_object_size = $largest)
)
WHERE (record ->> '$.eventSource' IN $sources AND record ->> '$.eventName' IN $names) OR access_key_id IS NOT NULL
"""

LINK = """
CREATE TABLE linked AS
WITH rows AS (SELECT DISTINCT ON (event_id) * FROM records),
issued AS (
    SELECT access_key_id, event_time, event_id FROM rows
    WHERE access_key_id IS NOT NULL AND access_key_id IS DISTINCT FROM caller_access_key_id
)
SELECT rows.*, issued.event_id AS parent_event_id
FROM rows ASOF LEFT JOIN issued
ON rows.caller_access_key_id = issued.access_key_id AND rows.event_time >= issued.event_time
"""


def main() -> None:
    """Reads, links, writes Parquet, and prints what it counted."""
    folder, out = sys.argv[1:]
    day = duckdb.connect()
    day.execute(EXTRACT, {"objects": f"{folder}/**/*.json.gz", "largest": LARGEST, "sources": SOURCES, "names": NAMES})
    day.execute(LINK)
    day.execute(f"COPY linked TO '{out}' (FORMAT parquet)")
    print(*day.execute("SELECT (SELECT count(*) FROM records), count(*), count(parent_event_id) FROM linked").fetchone())


if __name__ == "__main__":
    main()
