"""Runs of infra/athena/linking/link.py beside others, cut, throttled and at the wrong place: against an `aws` that only remembers what it was asked.

Needs no emulator and no engine. What a run publishes is held by test_linking.py.
"""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from linking_engines import LINKING

# Its name begins as those of the tables do.
LAKE, LINKED = "s3://lake/org/", "s3://linked/linking_by_joins/"
# What it is asked goes to `calls`, a line each; the Glue database is `tables`; `plan` says what is to go wrong.
AWS = """
import json, pathlib, re, sys
home = pathlib.Path(__file__).parent
typed = sys.argv[1:]
named = dict(zip(typed, typed[1:]))
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(typed) + "\\n")
tables, plan, asked = (json.loads((home / name).read_text()) for name in ("tables", "plan", "asked"))
what = " ".join(typed[:2])
asked[what] = asked.get(what, 0) + 1
def fail(message):
    (home / "asked").write_text(json.dumps(asked))
    sys.exit(message)
if plan.get("throttled", {}).get(what, 0) >= asked[what]:
    fail("An error occurred (ThrottlingException) when calling the operation: Rate exceeded")
if what == plan.get("fails") and asked[what] > plan.get("after", 0):
    fail("An error occurred (ExpiredTokenException) when calling the operation: expired")
said = ""
if what == "athena start-query-execution":
    sql = named["--query-string"]
    said = str(len(asked.setdefault("queries", [])))
    asked["queries"].append(sql)
    if made := re.match(r"CREATE TABLE (\\w+)", sql):
        tables[made[1]] = {"Name": made[1]}
    if plan.get("taken over by") and sql.startswith("CREATE TABLE") and "_sessions WITH" in sql:
        tables["linking_run"] = {"Name": "linking_run", "Description": plan["taken over by"]}
elif what == "athena get-query-execution":
    sql = asked["queries"][int(named["--query-execution-id"])]
    state = next((state for of, state in plan.get("states", {}).items() if of in sql), "SUCCEEDED")
    told = {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "because"}}}
    if "--query" in named:
        for step in named["--query"].split("."):
            told = told[step]
    said = told if isinstance(told, str) else json.dumps(told)
elif what == "athena get-query-results":
    sql = asked["queries"][int(named["--query-execution-id"])]
    rows = [["dt", "path", "rows"], *plan.get("paths", [])]
    told = {"UpdateCount": 0 if sql.startswith("INSERT") else 3, "ResultSet": {"Rows": [{"Data": [{"VarCharValue": str(c)} for c in row]} for row in rows]}}
    said = json.dumps(told)
elif what == "glue get-tables":
    said = json.dumps({"TableList": list(tables.values())})
elif what == "glue create-table":
    table = json.loads(named["--table-input"])
    if table["Name"] in tables:
        fail("An error occurred (AlreadyExistsException) when calling the CreateTable operation: Table already exists.")
    tables[table["Name"]] = table
elif what == "glue delete-table":
    del tables[named["--name"]]
elif what == "s3 cp":
    sys.stdin.read()
(home / "tables").write_text(json.dumps(tables))
(home / "asked").write_text(json.dumps(asked))
print(said)
"""


class Account:
    """An account of AWS: a folder that goes before PATH."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "aws").write_text(f"#!{sys.executable} -IS\n{AWS}")
        (folder / "aws").chmod(0o755)
        self.write("asked", {})
        (folder / "calls").touch()
        self.plan()
        self.has("sessions", f"{LINKED}table/")
        self.has("fragments", f"{LAKE}sessions/fragments/")

    def write(self, name: str, value) -> None:
        (self.folder / name).write_text(json.dumps(value))

    def has(self, name: str, location: str = "", **more: str) -> None:
        """A table in its Glue database."""
        tables = json.loads((self.folder / "tables").read_text()) if (self.folder / "tables").exists() else {}
        self.write("tables", tables | {name: {"Name": name, "StorageDescriptor": {"Location": location}, **more}})

    def plan(self, **plan) -> None:
        """What is to happen. Three sessions of two days, unless it says otherwise; the day between them has none."""
        paths = [["2026-11-01", f"{LINKED}data/R/1", 2], ["2026-11-03", f"{LINKED}data/R/3", 1]]
        self.write("plan", {"paths": paths} | plan)

    def started(self, *options: str, to: str = LINKED, until: str = "2026-11-03") -> subprocess.Popen:
        """A run of three days."""
        typed = ["--since", "2026-11-01", "--until", until, "--to", to, "--database", "linked", "--workgroup", "any", *options]
        # Whoever runs the suite in the background has Ctrl-C ignored in all that it starts.
        heeds_interrupts = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, LINKING / "link.py", *typed], env=self.environment(), preexec_fn=heeds_interrupts, **pipes)

    def run(self, *options: str, **more: str) -> subprocess.CompletedProcess:
        """A run to its end, and what it said."""
        running = self.started(*options, **more)
        said, complained = running.communicate(timeout=120)
        return subprocess.CompletedProcess([], running.returncode, said, complained)

    def environment(self) -> dict:
        return os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}

    def calls(self, *command: str) -> list:
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [call for call in calls if call[: len(command)] == list(command)]

    def statements(self) -> list:
        return [call[call.index("--query-string") + 1] for call in self.calls("athena", "start-query-execution")]

    def tables(self) -> set:
        return set(json.loads((self.folder / "tables").read_text()))

    def manifests(self) -> tuple:
        """The days whose manifests were written, and those whose were removed."""
        days = [re.findall(r"dt=([\d-]+)/symlink", " ".join(call)) for call in (*self.calls("s3", "cp"), *self.calls("s3", "rm"))]
        written = len(self.calls("s3", "cp"))
        return sum(days[:written], []), sum(days[written:], [])


@pytest.fixture
def account(tmp_path):
    return Account(tmp_path)


def test_a_run_names_its_tables_and_places_after_itself_and_leaves_none(account):
    assert account.run().returncode == 0
    first = account.statements()
    assert account.run().returncode == 0
    names = [set(re.findall(r"\blinking_\d\w+", " ".join(statements))) for statements in (first, account.statements()[len(first):])]
    assert len(names[0]) == len(names[1]) == 8
    assert not names[0] & names[1]
    places = re.findall(r"external_location = '([^']+)'", " ".join(account.statements()))
    assert len(set(places)) == len(places) == 16
    assert all(re.match(rf"{LINKED}(work|data)/\d", place) for place in places)
    assert account.tables() == {"sessions", "fragments"}
    assert account.manifests() == (["2026-11-01", "2026-11-03"] * 2, ["2026-11-02"] * 2)


@pytest.mark.parametrize("name", ["linking_run", "linking_20261105t010203z_0a1b2c_records", "linking_sessions"])
def test_a_run_does_not_begin_beside_another(account, name):
    account.has(name, Description="20261105t010203z_0a1b2c")
    ended = account.run()
    assert ended.returncode == 1
    assert name in ended.stderr and "--take-over" in ended.stderr
    assert account.statements() == []
    assert name in account.tables()


def test_a_run_that_is_told_to_takes_over(account):
    account.has("linking_run", Description="other")
    account.has("linking_20261105t010203z_0a1b2c_records")
    assert account.run("--take-over").returncode == 0
    assert account.tables() == {"sessions", "fragments"}


def test_a_run_that_was_taken_over_publishes_nothing(account):
    account.plan(**{"taken over by": "20261105t010203z_0a1b2c"})
    ended = account.run()
    assert ended.returncode == 1
    assert "20261105t010203z_0a1b2c" in ended.stderr
    assert account.manifests() == ([], [])
    # The other's mark stays.
    assert account.tables() == {"sessions", "fragments", "linking_run"}


@pytest.mark.parametrize("paths", [
    pytest.param([["2026-11-01", f"{LINKED}data/R/1", 2]], id="a row is missing"),
    pytest.param([["2026-11-01", f"{LINKED}data/R/1", 2], ["2026-11-06", f"{LINKED}data/R/6", 1]], id="a row of another day"),
    pytest.param([], id="no rows"),
])
def test_no_manifest_is_removed_unless_every_row_is_accounted_for(account, paths):
    account.plan(paths=paths)
    assert account.run().returncode == 1
    assert account.manifests() == ([], [])


def test_a_run_that_breaks_while_it_publishes_is_healed_by_the_next(account):
    account.plan(fails="s3 cp", after=1)
    ended = account.run()
    assert ended.returncode == 1
    assert "published 2026-11-01" in ended.stderr
    assert "published 2026-11-03" not in ended.stderr
    assert re.search(rf"{LINKED}data/\w+/ and {LINKED}work/\w+/", ended.stderr)
    # It says so itself: the next one begins without being told to.
    account.plan()
    assert account.run().returncode == 0
    assert account.tables() == {"sessions", "fragments"}


@pytest.mark.parametrize("to", [f"{LAKE}sessions/", f"{LAKE}sessions/table/", f"{LAKE}log_objects/", LAKE, f"{LAKE}linked/"])
def test_no_part_of_the_lake_is_a_place_for_the_linked_table(account, to):
    ended = account.run(to=to)
    assert ended.returncode == 1
    assert LAKE in ended.stderr
    assert account.statements() == []
    assert account.tables() == {"sessions", "fragments"}


def test_a_place_that_the_published_table_does_not_read_is_refused(account):
    ended = account.run(to="s3://linked/else/")
    assert ended.returncode == 1
    assert f"{LINKED}table/" in ended.stderr
    assert account.statements() == []


def test_a_database_without_the_tables_is_refused(account):
    account.write("tables", {})
    ended = account.run()
    assert ended.returncode == 1
    assert "fragments" in ended.stderr
    assert account.statements() == []


def test_a_throttled_command_is_asked_again(account):
    account.plan(throttled={"athena get-query-execution": 2})
    begun = time.monotonic()
    assert account.run().returncode == 0
    assert time.monotonic() - begun >= 3
    # Asking again makes nothing twice.
    assert max(collections.Counter(account.statements()).values()) == 1
    assert account.calls("athena", "stop-query-execution") == []


def test_another_error_is_not_asked_again_and_the_statement_is_stopped(account):
    account.plan(fails="athena get-query-execution")
    ended = account.run()
    assert ended.returncode == 1
    assert "ExpiredToken" in ended.stderr
    assert len(account.calls("athena", "get-query-execution")) == 1
    [stopped] = account.calls("athena", "stop-query-execution")
    assert stopped[-1] == "0"
    assert account.manifests() == ([], [])


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_its_statement(account, sent):
    account.plan(states={"_issuances WITH": "RUNNING"})
    running = account.started()
    deadline = time.monotonic() + 120
    while len(account.calls("athena", "get-query-execution")) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(sent)
    _, complained = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "interrupted" in complained and "Traceback" not in complained
    [stopped] = account.calls("athena", "stop-query-execution")
    assert stopped[-1] == "1"
    assert account.tables() == {"sessions", "fragments"}


def test_a_statement_that_fails_ends_the_run(account):
    account.plan(states={"_issuances WITH": "FAILED"})
    ended = account.run()
    assert ended.returncode == 1
    assert "because" in ended.stderr
    assert account.calls("athena", "stop-query-execution") == []
    assert account.tables() == {"sessions", "fragments"}


def test_a_month_is_linked_at_once_but_not_more(account):
    ended = account.run(until="2026-12-02")
    assert ended.returncode == 2
    assert "31 days" in ended.stderr


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_the_readmes_ask_waits_and_fails_as_the_statement_does(account, state):
    ask = re.search(r"^ask\(\) \{\n.*?^\}\n", (LINKING / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    account.plan(states={"a statement": "RUNNING"})
    shell = subprocess.Popen(["bash", "-c", f"{ask}\nask 'a statement'"], env=account.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(account.calls("athena", "get-query-execution")) < 2:
        assert shell.poll() is None
        time.sleep(0.05)
    account.plan(states={"a statement": state})
    said, complained = shell.communicate(timeout=120)
    assert said.strip() == state
    assert (shell.returncode == 0, "because" in complained) == (state == "SUCCEEDED", state != "SUCCEEDED")


def test_the_readmes_ask_fails_where_nothing_starts(account):
    ask = re.search(r"^ask\(\) \{\n.*?^\}\n", (LINKING / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    account.plan(fails="athena start-query-execution")
    done = subprocess.run(["bash", "-c", f"{ask}\nask 'a statement'"], env=account.environment(), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert account.calls("athena", "get-query-execution") == []
