"""The linking in SQL (infra/athena/linking) on the two engines of the suite, and its table held against the linker's."""

import datetime
import importlib.util
import json
import pathlib
import subprocess

from duck import connect
from investigations import ATHENA
from simulation import binary

LINKING = ATHENA / "linking"
LINKED_GROUPS = ("Link", "Origin", "Chain")
LINKED_COLUMNS = {
    "effective_tags", "effective_tag_pairs", "effective_transitive_tag_keys", "effective_tags_known", "origin_mfa", "chain_mfa_lost",
}
# More of what Athena and Trino call otherwise than DuckDB; with arrows, lambdas are written alike.
MACROS = [
    "transform(list, change) AS list_transform(list, change)",
    "arrays_overlap(a, b) AS list_has_any(a, b)",
    "reduce(list, start, add, finish) AS list_reduce(list, add, start)",
    "array_min(list) AS list_min(list)",
    "slice(list, first, length) AS list[first : first + length - 1]",
    "from_base(text, base) AS list_reduce(list_transform(string_split(text, ''), "
    "digit -> CAST(strpos('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', digit) - 1 AS BIGINT)), (number, digit) -> number * base + digit)",
]


def driver():
    """infra/athena/linking/link.py, which is no package."""
    spec = importlib.util.spec_from_file_location("link", LINKING / "link.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def columns() -> list[dict]:
    """The columns of the table, as the program describes them."""
    told = subprocess.run([binary("trailback"), "schema", "--format", "json"], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def fragment_columns() -> list[dict]:
    """Those that one record says by itself."""
    return [
        column for column in columns() if column["group"] not in LINKED_GROUPS and column["name"] not in LINKED_COLUMNS
    ]


class Duck:
    """DuckDB as an engine of the linking, over a lake in a folder."""

    def __init__(self, lake: pathlib.Path):
        self.database = connect()
        self.database.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
        for macro in MACROS:
            self.database.execute(f"CREATE MACRO {macro}")
        self.columns = [*(column["name"] for column in columns()), "dt"]
        self._view("published", lake / "sessions/data/*/*.parquet", "")
        self._table_of_fragments(lake)
        # What is published before the days that are linked: nothing yet.
        self.database.execute("CREATE TABLE sessions AS SELECT * FROM published LIMIT 0")

    def _view(self, name: str, files: pathlib.Path, more: str) -> None:
        """A view with times as Athena has them, without a zone."""
        source = f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'dt': VARCHAR}}{more})"
        kinds = self.database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        cast = [f"CAST({column} AS {kind.replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_MS')}) AS {column}" for column, kind, *_ in kinds]
        self.database.execute(f"CREATE VIEW {name} AS SELECT {', '.join(cast)} FROM {source}")

    def _table_of_fragments(self, lake: pathlib.Path) -> None:
        """A fragment lacks the columns that none of its records has; the table has them all."""
        self._view("some_fragments", lake / "sessions/fragments/*/*/*.parquet", ", union_by_name = true")
        names = ", ".join(column["name"] for column in fragment_columns())
        self.database.execute(f"CREATE TABLE fragments AS SELECT {names}, dt FROM published LIMIT 0")
        self.database.execute("INSERT INTO fragments BY NAME SELECT * EXCLUDE hour FROM some_fragments")

    def make(self, table: str, select: str, _partition) -> int:
        """Makes a table of a SELECT, in place of any of that name."""
        return self.database.execute(f"CREATE OR REPLACE TABLE {table} AS {select}").fetchone()[0]

    def add(self, table: str, select: str) -> int:
        """Adds the rows of a SELECT to a table."""
        return self.database.execute(f"INSERT INTO {table} {select}").fetchone()[0]

    def days(self) -> tuple[datetime.date, datetime.date]:
        """The first and the last day of the lake."""
        first, last = self.database.execute("SELECT min(dt), max(dt) FROM fragments").fetchone()
        return datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)

    def differences(self, table: str = "linking_sessions") -> dict[str, int]:
        """By column, how many rows of a table are not as the linker published them, and how many rows only one of them has."""
        same = " AND ".join(
            f"p.{column} IS NOT DISTINCT FROM s.{column}" for column in ("event_id", "event_time", "recipient_account_id")
        )
        counts = ", ".join(f"count(*) FILTER (p.{column} IS DISTINCT FROM s.{column})" for column in self.columns)
        [met, *counted] = self.database.execute(
            f"SELECT count(*), {counts} FROM published AS p JOIN {table} AS s ON {same}"
        ).fetchone()
        [published], [linked] = (self.database.execute(f"SELECT count(*) FROM {of}").fetchone() for of in ("published", table))
        found = dict(zip(self.columns, counted, strict=True)) | {"rows": abs(published - met) + abs(linked - met)}
        return {name: count for name, count in found.items() if count}

    def counts(self) -> dict[tuple, int]:
        """How many rows of the linker's table are linked by what, or gaps for what reason."""
        rows = self.database.execute("SELECT link_status, link_evidence, gap_reason, count(*) FROM published GROUP BY ALL").fetchall()
        return {tuple(word for word in words if word): count for *words, count in rows}
