"""What the key look-up reads of raw CloudTrail JSON: all of it. See raw_json.sh."""

import pathlib
import sys
import time

import duckdb

LARGEST = 1 << 30  # Bytes of one unpacked log object.


def main() -> None:
    """Looks a key up in one day of log objects."""
    folder, key = pathlib.Path(sys.argv[1]), sys.argv[2]
    objects = sorted(str(path) for path in folder.rglob("*.json.gz"))
    size = sum(pathlib.Path(path).stat().st_size for path in objects)
    begun = time.monotonic()
    [(found,)] = duckdb.execute(
        f"SELECT count(*) FROM (SELECT unnest(Records) AS record FROM read_json($objects, columns = {{Records: 'JSON[]'}}, "
        f"maximum_object_size = {LARGEST})) WHERE record ->> '$.responseElements.credentials.accessKeyId' = $key "
        "OR record ->> '$.userIdentity.accessKeyId' = $key",
        {"objects": objects, "key": key},
    ).fetchall()
    seconds = time.monotonic() - begun
    print(f"raw JSON, one day: {found} records found, {len(objects):,} requests, {size / 1e6:,.1f} MB read, {seconds:,.1f} s")


if __name__ == "__main__":
    main()
