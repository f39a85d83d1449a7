"""What each saved investigation reads: see investigations.sh."""

import datetime
import os
import pathlib
import sys
import threading
import time

import duckdb
import fsspec

from duck import connect, make_table, make_views
from investigations import Investigation, investigations

HISTORY_DAYS = 7  # What the questions about something new report; the days before are their baseline.


class Counted:
    """A file whose reads are counted, each as one ranged GET.

    DuckDB seeks and reads on several threads with one handle: each has a place of its own. It also keeps a handle of every file
    that it has read, so none keeps the file open.
    """

    mode = "rb"

    def __init__(self, path: str, reads: list[int]):
        self.path, self.size, self.reads = path, os.path.getsize(path), reads
        self.place = threading.local()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place of the file."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}
        self.place.at = begins[whence] + offset
        return self.place.at

    def tell(self) -> int:
        """The place in the file."""
        return getattr(self.place, "at", 0)

    def read(self, size: int = -1) -> bytes:
        """Reads, and counts it."""
        with open(self.path, "rb", buffering=0) as file:
            content = os.pread(file.fileno(), self.size if size < 0 else size, self.tell())
        self.place.at = self.tell() + len(content)
        self.reads.append(len(content))
        return content

    def close(self) -> None:
        """Nothing is open."""


class CountingFiles(fsspec.AbstractFileSystem):
    """Local files as DuckDB reads remote ones, with what it reads counted."""

    protocol, cachable = "counted", False

    def __init__(self):
        super().__init__()
        self.reads: list[int] = []

    def open(self, path: str, mode: str = "rb", **_options) -> Counted:
        """Opens a file."""
        assert mode == "rb"
        return Counted(self._strip_protocol(path), self.reads)

    def glob(self, path: str, **_options) -> list[str]:
        """The file itself: all are named."""
        return [self._strip_protocol(path)]

    def exists(self, path: str, **_options) -> bool:
        """Whether there is such a file."""
        return pathlib.Path(self._strip_protocol(path)).exists()

    def info(self, path: str, **_options) -> dict:
        """Name and size of a file."""
        return {"name": path, "size": os.path.getsize(self._strip_protocol(path)), "type": "file"}

    def modified(self, path: str) -> datetime.datetime:
        """When a file was changed."""
        return datetime.datetime.fromtimestamp(os.path.getmtime(self._strip_protocol(path)), datetime.UTC)


def data_objects(lake: pathlib.Path, table: str) -> list[str]:
    """The data objects that the manifests of a table name."""
    manifests = sorted((lake / table / "table").glob("dt=*/symlink.txt"))
    return [str((lake / line).resolve()) for manifest in manifests for line in manifest.read_text().split()]


def opened(lake: pathlib.Path, files: CountingFiles | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB that has read nothing yet but one footer of each table; with `files` it reads through them."""
    database = connect()
    if files is not None:
        database.register_filesystem(files)
    for table in ("sessions", "log_objects"):
        named = [f"counted://{path}" if files is not None else path for path in data_objects(lake, table)]
        make_table(database, table, named)
    make_views(database)
    return database


def parameters(database: duckdb.DuckDBPyConnection, days: list[str]) -> dict:
    """Values for all parameters, taken from a late session with a chain."""
    row = database.execute(
        "SELECT event_id, event_time, access_key_id, session_arn, session_principal_id, origin_arn, origin_access_key_id "
        "FROM sessions_issued WHERE dt BETWEEN $since AND $until AND chain_depth > 1 AND access_key_id IS NOT NULL AND session_principal_id IS NOT NULL "
        "AND origin_arn IS NOT NULL ORDER BY dt DESC, event_id LIMIT 1",
        {"since": days[0], "until": days[-1]},
    ).fetchone()
    assert row, "no session with a chain in these days"
    event_id, at, key, session_arn, principal_id, origin_arn, origin_key = row
    return {
        "event_id": event_id, "at": at, "access_key_id": key, "session_arn": session_arn, "principal_id": principal_id,
        "origin": origin_arn, "origin_key": origin_key, "since": days[0], "until": days[-1], "min_depth": 2, "seconds": 3_600,
        "percent": 90, "roles": 3, "role_name": "%admin%", "tag_key": "Email", "subject": "%",
    }


def values_of(investigation: Investigation, values: dict, days: list[str]) -> dict:
    """The values that one investigation takes."""
    told = {name: values.get(name) for name in investigation.marks}
    if "baseline" in told:
        told["baseline"], told["since"] = days[0], days[max(1, len(days) - HISTORY_DAYS)] if len(days) > 1 else days[0]
    if investigation.name == "which-tag-values-does-each-origin-carry":
        told["tag_key"] = values["tag_key"].lower()
    if investigation.name == "what-this-access-key-turned-into":
        told["access_key_id"] = values["origin_key"]
    return told


def row_count(answer: duckdb.DuckDBPyConnection) -> int:
    """Fetches the rows of an answer, and keeps none: some have millions."""
    count = 0
    while rows := answer.fetchmany(10_000):
        count += len(rows)
    return count


def measured(lake: pathlib.Path, investigation: Investigation, values: dict) -> str:
    """A row of the table: counted, then timed on plain files; nothing is cached from another investigation."""
    files = CountingFiles()
    database = opened(lake, files)
    files.reads.clear()
    rows = row_count(database.execute(investigation.sql, values))
    database = opened(lake)
    begun = time.monotonic()
    row_count(database.execute(investigation.sql, values))
    seconds = time.monotonic() - begun
    read = sum(files.reads) / 1e6
    return f"| {investigation.title} | {len(files.reads):,} | {read:,.1f} | {seconds:,.2f} | {rows:,} |"


def main() -> None:
    """Measures every investigation."""
    lake = pathlib.Path(sys.argv[1])
    days = sorted(path.parent.name.removeprefix("dt=") for path in (lake / "sessions/table").glob("dt=*/symlink.txt"))
    if len(sys.argv) > 2:
        days = [day for day in days if sys.argv[2] <= day <= sys.argv[3]]
    values = parameters(opened(lake), days)
    print(f"{days[0]} to {days[-1]}\n\n| Question | Requests | MB read | Seconds | Rows |\n| --- | --- | --- | --- | --- |")
    for investigation in investigations():
        print(measured(lake, investigation, values_of(investigation, values, days)), flush=True)


if __name__ == "__main__":
    main()
