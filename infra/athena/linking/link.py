#!/usr/bin/env python3
"""Links days of a lake in Athena, and publishes them: runs the SQL files beside it in their order. README.md tells when and how.

Needs Python 3.9 or newer and the AWS CLI, with credentials and a region.
"""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import time

STEPS = pathlib.Path(__file__).parent
# What a run makes, in the order of the files; the published table is linking_sessions.
TABLES = {
    "01-records": "linking_records", "02-issuances": "linking_issuances", "03-beginnings": "linking_beginnings",
    "04-parents": "linking_parents", "05-candidates": "linking_candidates", "06-first-generation": "linking_lineage",
    "07-next-generation": "linking_lineage", "08-ways": "linking_ways", "09-loops": "linking_lineage", "10-sessions": "linking_sessions",
}
PARTITIONS = {"linking_lineage": "generation", "linking_sessions": "dt"}
NO_WAYS = "SELECT row_id AS from_id, row_id AS to_id FROM linking_issuances WHERE false"
# Athena writes at most 100 partitions with one statement.
DAYS_MAX = 100


class Refused(Exception):
    """What stops a run, in words for whoever started it."""


class Linking:
    """The rounds of one run. `engine` makes tables of a SELECT and adds to them, and says how many rows that were."""

    def __init__(self, engine, since: datetime.date, until: datetime.date, steps: pathlib.Path = STEPS, tell=lambda line: None):
        self.engine, self.steps, self.tell = engine, steps, tell
        # 36 hours before the first moment of a day is within the two days before it.
        self.values = {"since": since, "until": until, "before": since - datetime.timedelta(days=2), "generation": 0}

    def run(self) -> int:
        """Makes linking_sessions; returns its rows."""
        for table in dict.fromkeys(TABLES.values()):
            self.engine.drop(table)
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
    """What a command of the AWS CLI prints."""
    done = subprocess.run(["aws", *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"aws {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


class Athena:
    """Statements in a database, and the places of what they make."""

    def __init__(self, database: str, workgroup: str, work: str, data: str):
        self.database, self.workgroup, self.work, self.data = database, workgroup, work, data

    def make(self, table: str, select: str, partition: str) -> int:
        """Makes a table of a SELECT."""
        place = self.data if table == "linking_sessions" else f"{self.work}{table}/"
        properties = ["format = 'PARQUET'", "write_compression = 'ZSTD'", f"external_location = '{place}'"]
        if partition:
            properties.append(f"partitioned_by = ARRAY['{partition}']")
        return self._updated(self._run(f"CREATE TABLE {table} WITH ({', '.join(properties)}) AS\n{select}"))

    def add(self, table: str, select: str) -> int:
        """Adds the rows of a SELECT to a table."""
        return self._updated(self._run(f"INSERT INTO {table}\n{select}"))

    def drop(self, table: str) -> None:
        """Forgets a table; what it holds stays where it lies."""
        self._run(f"DROP TABLE IF EXISTS {table}")

    def paths(self) -> dict:
        """The data objects of the linked sessions, by day."""
        query = self._run("SELECT DISTINCT dt, \"$path\" FROM linking_sessions ORDER BY 1, 2")
        # The command line turns all pages; the first row holds the names of the columns.
        rows = json.loads(aws("athena", "get-query-results", "--query-execution-id", query, "--output", "json"))["ResultSet"]["Rows"]
        days = {}
        for row in rows[1:]:
            day, path = (column["VarCharValue"] for column in row["Data"])
            days.setdefault(day, []).append(path)
        return days

    def _run(self, sql: str) -> str:
        query = aws(
            "athena", "start-query-execution", "--work-group", self.workgroup, "--query-execution-context", f"Database={self.database}",
            "--query-string", sql, "--query", "QueryExecutionId", "--output", "text",
        ).strip()
        while True:
            told = json.loads(aws("athena", "get-query-execution", "--query-execution-id", query, "--output", "json"))["QueryExecution"]
            state = told["Status"]["State"]
            if state == "SUCCEEDED":
                return query
            if state in ("FAILED", "CANCELLED"):
                raise Refused(f"Athena: {told['Status'].get('StateChangeReason', state)} in: {sql[:200]}")
            time.sleep(1)

    def _updated(self, query: str) -> int:
        return int(json.loads(aws("athena", "get-query-results", "--query-execution-id", query, "--output", "json"))["UpdateCount"])


def days_of(since: datetime.date, until: datetime.date) -> list:
    """Every day of a range."""
    return [since + datetime.timedelta(days=more) for more in range((until - since).days + 1)]


def publish(paths: dict, days: list, to: str) -> None:
    """Writes the manifest of every day, each in one PUT, and takes away those of days without rows."""
    for day in map(str, days):
        manifest = f"{to}table/dt={day}/symlink.txt"
        if day in paths:
            aws("s3", "cp", "-", manifest, given="".join(f"{path}\n" for path in paths[day]))
        else:
            aws("s3", "rm", manifest)


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description="Links days of a lake in Athena, and publishes them.")
    day = datetime.date.fromisoformat
    parser.add_argument("--since", type=day, required=True, help="the first day, such as 2026-11-20")
    parser.add_argument("--until", type=day, required=True, help="the last day")
    parser.add_argument("--to", required=True, help="where the linked table lies: s3://BUCKET/PREFIX/, no part of the lake itself")
    parser.add_argument("--database", required=True, help="the Glue database with the tables fragments and sessions of README.md")
    parser.add_argument("--workgroup", required=True, help="an Athena workgroup that leaves locations to its queries")
    typed = parser.parse_args()
    if not re.fullmatch(r"s3://[a-z0-9.-]+/([A-Za-z0-9!_.*()/-]+/)?", typed.to):
        parser.error("--to: expected s3://BUCKET/PREFIX/ with a slash at its end")
    if not 0 <= (typed.until - typed.since).days < DAYS_MAX:
        parser.error(f"--until: expected a day not before --since, and at most {DAYS_MAX} days")
    return typed


def main() -> None:
    """Links, publishes, and removes what only the run needed."""
    typed = arguments()
    run = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    work = f"{typed.to}work/{run}/"
    engine = Athena(typed.database, typed.workgroup, work, f"{typed.to}data/{run}/")
    try:
        sessions = Linking(engine, typed.since, typed.until, tell=lambda line: print(line, file=sys.stderr, flush=True)).run()
        publish(engine.paths(), days_of(typed.since, typed.until), typed.to)
        for table in dict.fromkeys(TABLES.values()):
            engine.drop(table)
        aws("s3", "rm", "--recursive", "--only-show-errors", work)
    except Refused as refused:
        sys.exit(f"link.py: {refused}")
    print(f"{sessions} sessions of {typed.since} to {typed.until}; their data objects are below {engine.data}")


if __name__ == "__main__":
    main()
