#!/usr/bin/env python3
"""Links days of a lake in Athena, and publishes them: runs the SQL files beside it in their order. README.md tells when and how.

Needs Python 3.9 or newer and the AWS CLI, with credentials and a region.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import time

STEPS = pathlib.Path(__file__).parent
# What a run makes, in the order of the files; linking_sessions is what it publishes. In Athena a run's ID stands in the names.
TABLES = {
    "01-records": "linking_records", "02-issuances": "linking_issuances", "03-beginnings": "linking_beginnings",
    "04-parents": "linking_parents", "05-candidates": "linking_candidates", "06-first-generation": "linking_lineage",
    "07-next-generation": "linking_lineage", "08-ways": "linking_ways", "09-loops": "linking_lineage", "10-sessions": "linking_sessions",
}
PARTITIONS = {"linking_lineage": "generation", "linking_sessions": "dt"}
NO_WAYS = "SELECT row_id AS from_id, row_id AS to_id FROM linking_issuances WHERE false"
# A statement joins all days of a run, and Athena ends it after 30 minutes.
DAYS_MAX = 31
# Only one run at a time can make it, and says there which it is.
MARK = "linking_run"
THROTTLED = re.compile("Throttl|TooManyRequests|RequestLimitExceeded|Rate exceeded|SlowDown")
PAUSES = (1, 2, 4, 8, 16)


class Refused(Exception):
    """What stops a run, in words for whoever started it."""


class Linking:
    """The rounds of one run. `engine` makes tables of a SELECT, in place of any of that name, and adds to them, and says how many rows that were."""

    def __init__(self, engine, since: datetime.date, until: datetime.date, steps: pathlib.Path = STEPS, tell=lambda line: None):
        self.engine, self.steps, self.tell = engine, steps, tell
        # 36 hours before the first moment of a day is within the two days before it.
        self.values = {"since": since, "until": until, "before": since - datetime.timedelta(days=2), "generation": 0}

    def run(self) -> int:
        """Makes linking_sessions; returns its rows."""
        issuances = 0
        for step in ("01-records", "02-issuances", "03-beginnings", "04-parents", "05-candidates", "06-first-generation"):
            rows = self._make(step)
            issuances = rows if step == "02-issuances" else issuances
        self.engine.make("linking_ways", NO_WAYS, None)
        self._resolve_generations()
        if self._find_ways():
            self._add("09-loops")
            self._resolve_generations()
        sessions = self._make("10-sessions")
        if sessions != issuances:
            raise Refused(f"{issuances} issuances became {sessions} sessions; nothing was published")
        return sessions

    def _resolve_generations(self) -> None:
        """Until no row has a parent of the generation before; a chain of n hops takes n rounds."""
        self.values["generation"] += 1
        while self._add("07-next-generation"):
            self.values["generation"] += 1

    def _find_ways(self) -> int:
        """How many rounds found ways between rows that no generation resolved: none, but for loops."""
        rounds = 0
        while self._add("08-ways"):
            rounds += 1
        return rounds

    def _make(self, step: str) -> int:
        return self._tell(step, self.engine.make(TABLES[step], self.select(step), PARTITIONS.get(TABLES[step])))

    def _add(self, step: str) -> int:
        return self._tell(step, self.engine.add(TABLES[step], self.select(step)))

    def _tell(self, step: str, rows: int) -> int:
        self.tell(f"{step} {rows} rows")
        return rows

    def select(self, step: str) -> str:
        """A file's SELECT with the run's values in it: days and numbers that this program made, nothing else."""
        text = (self.steps / f"{step}.sql").read_text()
        return re.sub(r"\$([a-z]+)", lambda name: str(self.values[name[1]]), text)


def aws(*arguments: str, given: str = None) -> str:
    """What a command of the AWS CLI prints. One that AWS had no time for is run again: it did nothing."""
    for pause in (*PAUSES, None):
        done = subprocess.run(["aws", *arguments], input=given, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        if pause is None or not THROTTLED.search(done.stderr):
            raise Refused(f"aws {' '.join(arguments[:2])}: {done.stderr.strip()}")
        time.sleep(pause)


class Athena:
    """Statements of one run in a database, and the places of what they make."""

    def __init__(self, database: str, workgroup: str, to: str, run: str):
        self.database, self.workgroup, self.to, self.run = database, workgroup, to, run
        self.work, self.data = f"{to}work/{run}/", f"{to}data/{run}/"

    def begin(self, take_over: bool) -> None:
        """Marks the database as this run's, unless another has it or the place is wrong."""
        tables = self._tables()
        for name in ("fragments", "sessions"):
            if name not in tables:
                raise Refused(f"the database {self.database} has no table {name}: README.md tells how to make it")
        fragments, sessions = (tables[name]["StorageDescriptor"]["Location"].rstrip("/") + "/" for name in ("fragments", "sessions"))
        lake = fragments.removesuffix("sessions/fragments/")
        if self.to.startswith(lake):
            raise Refused(f"--to {self.to} is a part of the lake {lake}, whose linker would rebuild or remove what lies there")
        if sessions != f"{self.to}table/":
            raise Refused(f"--to {self.to}: the table sessions of {self.database} reads {sessions}")
        others = [name for name in tables if name.startswith("linking_")]
        if others and not take_over:
            raise Refused(
                f"another run is at work in {self.database}, or ended and could not clean up: {', '.join(others)}. If none is at work, --take-over"
            )
        self._forget(others)
        aws("glue", "create-table", "--database-name", self.database, "--table-input", json.dumps({"Name": MARK, "Description": self.run}))

    def hold(self) -> None:
        """Refuses to go on if another run took over."""
        marked = self._tables().get(MARK, {}).get("Description")
        if marked != self.run:
            raise Refused(f"another run took over ({marked}); nothing was published")

    def end(self) -> None:
        """Forgets this run's tables; what they hold stays where it lies."""
        tables = self._tables()
        mine = [name for name in tables if name.startswith(f"linking_{self.run}_")]
        self._forget(mine + [MARK] * (tables.get(MARK, {}).get("Description") == self.run))

    def _tables(self) -> dict:
        listed = json.loads(aws("glue", "get-tables", "--database-name", self.database, "--output", "json"))["TableList"]
        return {table["Name"]: table for table in listed}

    def _forget(self, names: list) -> None:
        for name in names:
            aws("glue", "delete-table", "--database-name", self.database, "--name", name)

    def make(self, table: str, select: str, partition: str) -> int:
        """Makes a table of a SELECT."""
        place = self.data if table == "linking_sessions" else f"{self.work}{table}/"
        properties = ["format = 'PARQUET'", "write_compression = 'ZSTD'", f"external_location = '{place}'"]
        if partition:
            properties.append(f"partitioned_by = ARRAY['{partition}']")
        return self._updated(self._run(f"CREATE TABLE {self._own(table)} WITH ({', '.join(properties)}) AS\n{self._own(select)}"))

    def add(self, table: str, select: str) -> int:
        """Adds the rows of a SELECT to a table."""
        return self._updated(self._run(self._own(f"INSERT INTO {table}\n{select}")))

    def paths(self, sessions: int, days: list) -> dict:
        """The data objects of the linked sessions, by day. All sessions are in them: a day that has none here has no rows."""
        query = self._run(self._own("SELECT dt, \"$path\", count(*) FROM linking_sessions GROUP BY 1, 2 ORDER BY 1, 2"))
        # The command line turns all pages; the first row holds the names of the columns.
        rows = json.loads(aws("athena", "get-query-results", "--query-execution-id", query, "--output", "json"))["ResultSet"]["Rows"]
        found = {str(day): [] for day in days}
        counted = 0
        for row in rows[1:]:
            day, path, count = (column["VarCharValue"] for column in row["Data"])
            if day not in found:
                raise Refused(f"rows of {day}, which is no day of this run; nothing was published")
            found[day].append(path)
            counted += int(count)
        if counted != sessions:
            raise Refused(f"{counted} of {sessions} sessions are in the table; nothing was published")
        return found

    def _own(self, sql: str) -> str:
        return re.sub(r"\blinking_(?=[a-z])", f"linking_{self.run}_", sql)

    def _run(self, sql: str) -> str:
        query = aws(
            "athena", "start-query-execution", "--work-group", self.workgroup, "--query-execution-context", f"Database={self.database}",
            "--query-string", sql, "--query", "QueryExecutionId", "--output", "text",
        ).strip()
        try:
            status = self._ended(query)
        except BaseException:
            # Ctrl-C too: nobody waits for it any more.
            with contextlib.suppress(Refused):
                aws("athena", "stop-query-execution", "--query-execution-id", query)
            raise
        if status["State"] != "SUCCEEDED":
            raise Refused(f"Athena: {status.get('StateChangeReason', status['State'])} in: {sql[:200]}")
        return query

    @staticmethod
    def _ended(query: str) -> dict:
        while True:
            told = json.loads(aws("athena", "get-query-execution", "--query-execution-id", query, "--output", "json"))
            status = told["QueryExecution"]["Status"]
            if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return status
            time.sleep(1)

    def _updated(self, query: str) -> int:
        return int(json.loads(aws("athena", "get-query-results", "--query-execution-id", query, "--output", "json"))["UpdateCount"])


def days_of(since: datetime.date, until: datetime.date) -> list:
    """Every day of a range."""
    return [since + datetime.timedelta(days=more) for more in range((until - since).days + 1)]


def publish(paths: dict, to: str, tell) -> None:
    """Writes the manifest of every day, each in one PUT, and takes away those of days without rows."""
    for day, objects in paths.items():
        manifest = f"{to}table/dt={day}/symlink.txt"
        if objects:
            aws("s3", "cp", "-", manifest, given="".join(f"{path}\n" for path in objects))
        else:
            aws("s3", "rm", manifest)
        tell(f"published {day}")


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description="Links days of a lake in Athena, and publishes them.")
    day = datetime.date.fromisoformat
    parser.add_argument("--since", type=day, required=True, help="the first day, such as 2026-11-20")
    parser.add_argument("--until", type=day, required=True, help="the last day")
    parser.add_argument("--to", required=True, help="where the linked table lies: s3://BUCKET/PREFIX/, no part of the lake itself")
    parser.add_argument("--database", required=True, help="the Glue database with the tables fragments and sessions of README.md")
    parser.add_argument("--workgroup", required=True, help="an Athena workgroup that leaves locations to its queries")
    parser.add_argument("--take-over", action="store_true", help="forget the tables of other runs; one that is at work publishes nothing")
    typed = parser.parse_args()
    if not re.fullmatch(r"s3://[a-z0-9.-]+/([A-Za-z0-9!_.*()/-]+/)?", typed.to):
        parser.error("--to: expected s3://BUCKET/PREFIX/ with a slash at its end")
    if not 0 <= (typed.until - typed.since).days < DAYS_MAX:
        parser.error(f"--until: expected a day not before --since, and at most {DAYS_MAX} days")
    return typed


def link(engine: Athena, typed: argparse.Namespace) -> int:
    """Links, publishes, and removes what only the run needed; returns the sessions."""
    sessions = Linking(engine, typed.since, typed.until, tell=tell).run()
    paths = engine.paths(sessions, days_of(typed.since, typed.until))
    engine.hold()
    publish(paths, typed.to, tell)
    aws("s3", "rm", "--recursive", "--only-show-errors", engine.work)
    return sessions


def tell(line: str) -> None:
    """To whoever watches."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """One run, from its mark to its end."""
    typed = arguments()
    # To be stopped by a scheduler is to be interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dt%H%M%Sz}_{secrets.token_hex(3)}"
    engine = Athena(typed.database, typed.workgroup, typed.to, run)
    try:
        engine.begin(typed.take_over)
        try:
            sessions = link(engine, typed)
        except (Refused, KeyboardInterrupt) as ended:
            tell(f"link.py: {str(ended) or 'interrupted'}")
            tell(f"link.py: what this run wrote stays below {engine.data} and {engine.work}; README.md tells when to remove it")
            engine.end()
            sys.exit(1)
        engine.end()
    except Refused as refused:
        sys.exit(f"link.py: {refused}")
    except KeyboardInterrupt:
        sys.exit("link.py: interrupted")
    print(f"{sessions} sessions of {typed.since} to {typed.until}; their data objects are below {engine.data}")


if __name__ == "__main__":
    main()
