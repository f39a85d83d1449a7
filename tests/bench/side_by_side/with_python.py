"""The job with Python and orjson, or with Python's own json: `with_python.py orjson|json FOLDER OUT`."""

import bisect
import collections
import gzip
import importlib
import json
import pathlib
import sys

from calls import NAMES, SOURCES


def row_of(record: dict) -> dict | None:
    """What is kept of a record; nothing where its call is none of ours."""
    response = record.get("responseElements") or {}
    issued = (response.get("credentialSet") or [response])[0]
    access_key_id = (issued.get("credentials") or {}).get("accessKeyId")
    if not access_key_id and not (record["eventSource"] in SOURCES and record["eventName"] in NAMES):
        return None
    caller = record["userIdentity"]
    session = issued.get("assumedRoleUser") or issued.get("federatedUser") or {}
    return {
        "event_id": record["eventID"],
        "event_time": record["eventTime"],
        "event_name": record["eventName"],
        "access_key_id": access_key_id,
        "session_arn": session.get("arn"),
        "role_arn": (record.get("requestParameters") or {}).get("roleArn"),
        "caller_arn": caller.get("arn"),
        "caller_access_key_id": caller.get("accessKeyId"),
    }


def link(rows: list[dict]) -> int:
    """Joins each row to the last one before it that issued its caller's key, and counts them."""
    issued = collections.defaultdict(list)
    for row in rows:
        if row["access_key_id"] and row["access_key_id"] != row["caller_access_key_id"]:
            issued[row["access_key_id"]].append((row["event_time"], row["event_id"]))
    for candidates in issued.values():
        candidates.sort()
    for row in rows:
        candidates = issued.get(row["caller_access_key_id"], [])
        at = bisect.bisect_right(candidates, row["event_time"], key=lambda candidate: candidate[0])
        row["parent_event_id"] = candidates[at - 1][1] if at else None
    return sum(1 for row in rows if row["parent_event_id"])


def main() -> None:
    """Reads, links, writes JSON lines, and prints what it counted."""
    parser, folder, out = sys.argv[1:]
    loads = importlib.import_module(parser).loads
    rows, records = {}, 0
    for path in pathlib.Path(folder).rglob("*.json.gz"):
        for record in loads(gzip.decompress(path.read_bytes()))["Records"]:
            if row := row_of(record):
                records += 1
                rows[row["event_id"]] = row
    linked = link(list(rows.values()))
    with open(out, "w", encoding="utf-8") as write:
        write.writelines(json.dumps(row) + "\n" for row in rows.values())
    print(records, len(rows), linked)


if __name__ == "__main__":
    main()
