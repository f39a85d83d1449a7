"""The job with chDB, which is ClickHouse in a library: `with_chdb.py FOLDER OUT`."""

import sys

from chdb import session

from calls import NAMES, SOURCES

EXTRACT = """
CREATE TABLE day.records ENGINE = Memory AS
SELECT
    JSONExtractString(record, 'eventID') AS event_id,
    parseDateTimeBestEffort(JSONExtractString(record, 'eventTime')) AS event_time,
    JSONExtractString(record, 'eventName') AS event_name,
    coalesce(nullIf(JSONExtractString(record, 'responseElements', 'credentials', 'accessKeyId'), ''),
             JSONExtractString(record, 'responseElements', 'credentialSet', 1, 'credentials', 'accessKeyId')) AS access_key_id,
    coalesce(nullIf(JSONExtractString(record, 'responseElements', 'assumedRoleUser', 'arn'), ''),
             nullIf(JSONExtractString(record, 'responseElements', 'federatedUser', 'arn'), ''),
             JSONExtractString(record, 'responseElements', 'credentialSet', 1, 'assumedRoleUser', 'arn')) AS session_arn,
    JSONExtractString(record, 'requestParameters', 'roleArn') AS role_arn,
    JSONExtractString(record, 'userIdentity', 'arn') AS caller_arn,
    JSONExtractString(record, 'userIdentity', 'accessKeyId') AS caller_access_key_id
FROM (
    SELECT arrayJoin(JSONExtractArrayRaw(json, 'Records')) AS record
    FROM file('{folder}/**/*.json.gz', JSONAsString, 'json String')
)
WHERE (JSONExtractString(record, 'eventSource') IN {sources} AND event_name IN {names}) OR access_key_id != ''
"""

LINK = """
CREATE TABLE day.linked ENGINE = Memory AS
WITH rows AS (SELECT * FROM day.records LIMIT 1 BY event_id)
SELECT rows.*, issued.event_id AS parent_event_id
FROM rows ASOF LEFT JOIN (SELECT * FROM rows WHERE access_key_id != '' AND access_key_id != caller_access_key_id) AS issued
ON rows.caller_access_key_id = issued.access_key_id AND rows.event_time >= issued.event_time
"""


def main() -> None:
    """Reads, links, writes Parquet, and prints what it counted."""
    folder, out = sys.argv[1:]
    day = session.Session()
    day.query("CREATE DATABASE day")
    day.query(EXTRACT.format(folder=folder, sources=SOURCES, names=NAMES))
    day.query(LINK)
    day.query(f"SELECT * FROM day.linked INTO OUTFILE '{out}' FORMAT Parquet")
    print(day.query("SELECT (SELECT count() FROM day.records), count(), countIf(parent_event_id != '') FROM day.linked", "TSV"))


if __name__ == "__main__":
    main()
