"""Every investigation and view on two real engines, over a lake that the real binary made, held to what is known to be true.

Trino finds tables, views and prepared statements as `make deploy` put them into the emulator's catalog; DuckDB reads the same files.
"""

import base64
import contextlib
import datetime
import json
import subprocess
from collections import Counter

import pytest
import sqlglot

import answers
import incident
import raw_events
from athena_template import LAYOUTS, RAW_COLUMNS, RAW_VIEW, TEMPLATE, USER_IDENTITY
from athena_template import raw_events as raw_select
from catalog import Catalog
from conftest import make_bucket
from duck import duck
from emulator import Emulator
from incident import Incident
from investigations import Investigation, investigations, views
from simulation import Simulation, binary
from stack import Stack

pytestmark = pytest.mark.engines
LAKE_BUCKET = "lake-of-the-engines"
RAW_BUCKET = "raw-events"
DATABASE = "engines"
# Projected partitions end tomorrow, so the simulated days lie shortly before today.
FIRST_DAY = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=4)
SECOND_DAY, LAST_DAY = (FIRST_DAY + datetime.timedelta(days=more) for more in (1, 2))


class Lake:
    """An organisation and an intrusion in it, in a lake that a stack describes."""

    def __init__(self, emulator: Emulator, folder):
        self.simulation = Simulation(
            folder, 11, 2_500, "--start", f"{FIRST_DAY}T00:00:00Z", "--hours", "66", "--uses-told", "0.3"
        )
        Incident(LAST_DAY).write(self.simulation.folder)
        make_bucket(emulator, LAKE_BUCKET)
        make_bucket(emulator, RAW_BUCKET)
        self._put_raw_events(emulator)
        self.stack = Stack(
            emulator, "engines", RAW_BUCKET, LAKE=f"s3://{LAKE_BUCKET}/security/",
            PARAMETERS=(
                f"DatabaseName={DATABASE} FirstDay={FIRST_DAY} QueryResultsBucket={RAW_BUCKET} CloudTrailTable=raw.events"
            ),
        )
        subprocess.run(
            [binary("trailback"), "ingest", self.simulation.folder, "--lake", f"s3://{LAKE_BUCKET}/security/"],
            env=emulator.environment, check=True, capture_output=True,
        )
        self.catalog = Catalog(emulator, DATABASE)
        self.truths = [truth for truth in self.simulation.truths if truth["session_type"] != "Witness"]
        self.issued = [truth for truth in self.truths if truth["outcome"] == "issued"]
        self.statements = {
            statement["StatementName"]: statement["QueryStatement"] for statement in prepared(emulator, self.stack)
        }

    def _put_raw_events(self, emulator: Emulator) -> None:
        records = [use["record"] for use in self.simulation.uses]
        # Delivered twice: two rows, as in any raw table.
        content = raw_events.lines([*records, records[0]])
        emulator.client("s3").put_object(Bucket=RAW_BUCKET, Key="events/all/events.json", Body=content)
        glue = emulator.client("glue")
        glue.create_database(DatabaseInput={"Name": "raw"})
        glue.create_table(DatabaseName="raw", TableInput=raw_events.glue_table("events", f"s3://{RAW_BUCKET}/events/"))


def prepared(emulator: Emulator, stack: Stack) -> list[dict]:
    """The prepared statements of a stack's workgroup."""
    athena, workgroup = emulator.client("athena"), stack.outputs["Workgroup"]
    listed = athena.list_prepared_statements(WorkGroup=workgroup, MaxResults=50)["PreparedStatements"]
    return [
        athena.get_prepared_statement(WorkGroup=workgroup, StatementName=entry["StatementName"])["PreparedStatement"]
        for entry in listed
    ]


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    """The lake that both engines read."""
    return Lake(emulator, tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def known(lake):
    """What is true of the lake, by investigation."""
    return cases(lake)


@pytest.fixture(scope="module")
def duckdb_database(lake, tmp_path_factory):
    """DuckDB with the same tables and views."""
    return duck(lake.catalog, tmp_path_factory.mktemp("duckdb"))


def rows_of(answer: tuple[list[str], list[tuple]]) -> list[dict]:
    """The rows of an answer, times without their zone."""
    columns, rows = answer

    def plain(value):
        return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value

    return [dict(zip(columns, map(plain, row), strict=True)) for row in rows]


def asked(database, sql: str, values: dict | None = None) -> list[dict]:
    """DuckDB's answer."""
    cursor = database.execute(sql, values or {})
    return rows_of(([column[0] for column in cursor.description], cursor.fetchall()))


# What is true, by what the simulator and the intruder know. Each gives the values of the parameters, and what the rows must be.


def of_event_ids(expected: set[str]):
    """The rows are exactly these events, each once."""

    def holds(rows: list[dict]) -> None:
        assert Counter(row["event_id"] for row in rows) == Counter(expected)

    return holds


def of_values(column: str, expected: dict[str, str]):
    """The rows are exactly these events, each once, and say this of them."""

    def holds(rows: list[dict]) -> None:
        assert expected
        assert Counter((row["event_id"], row[column]) for row in rows) == Counter(expected.items())

    return holds


def of_intruder(expected: set[str], also=lambda row: False):
    """The intruder's rows are exactly these events; others are in order where the simulator says so."""

    def holds(rows: list[dict]) -> None:
        found = {row["event_id"] for row in rows}
        assert {event_id for event_id in found if event_id.startswith("incident-")} == expected
        assert all(also(row) for row in rows if not row["event_id"].startswith("incident-"))

    return holds


def of_counts(columns: list[str], count: str, expected: Counter):
    """The rows are these groups with these counts, the intruder's apart."""

    def holds(rows: list[dict]) -> None:
        said = Counter()
        for row in rows:
            if "111122223333" not in json.dumps(row, default=str):
                said[tuple(row[column] for column in columns)] += row[count]
        assert said == expected

    return holds


def of_keys(columns: list[str], expected: set[tuple]):
    """The rows are exactly those with these values, each once, and there are some."""

    def holds(rows: list[dict]) -> None:
        assert expected
        assert Counter(tuple(row[column] for column in columns) for row in rows) == Counter(expected)

    return holds


def of_numbers(columns: list[str], count: str, expected: Counter):
    """The rows are these groups, each once, with these counts."""

    def holds(rows: list[dict]) -> None:
        assert expected
        assert {tuple(row[column] for column in columns): row[count] for row in rows} == expected
        assert len(rows) == len(expected)

    return holds


def both(first, second):
    """Two things hold of the rows."""

    def holds(rows: list[dict]) -> None:
        first(rows)
        second(rows)

    return holds


def gaps(truths: list[dict]) -> list[tuple]:
    """The reasons for which chains break."""
    return [(truth["gap_reason"],) for truth in truths if truth["link_status"] == "gap"]


def is_behind(truth: dict, key: str, by_id: dict[str, dict]) -> bool:
    """Whether a key stands behind a call: it made the call or an ancestor's, or handed out one of them, or began the chain."""
    ancestors = [by_id[event_id] for event_id in truth["chain_event_ids"]]
    named = [ancestor[column] for ancestor in ancestors for column in ("access_key_id", "parent_access_key_id")]
    return truth["origin_access_key_id"] == key or key in named


def key_behind_many(lake: Lake) -> tuple[str, set[str]]:
    """A temporary key with sessions of several depths behind it, and the calls behind which it stands."""
    by_id = {truth["event_id"]: truth for truth in lake.simulation.truths}
    depths = Counter(by_id[event_id]["access_key_id"] for truth in lake.truths for event_id in truth["chain_event_ids"][:1])
    key = next(key for key, _ in depths.most_common() if key)
    return key, {truth["event_id"] for truth in lake.simulation.truths if is_behind(truth, key, by_id)}


def deepest(lake: Lake) -> dict:
    """The end of a long chain that was not cut."""
    chained = [truth for truth in lake.issued if truth["scenario"] == "tagged_chain"]
    return max(chained, key=lambda truth: (truth["chain_depth"], truth["event_id"]))


def ids(truths: list[dict]) -> set[str]:
    """Their event IDs."""
    return {truth["event_id"] for truth in truths}


def mfa_seen(truth: dict) -> bool:
    """Whether the call or the caller's session shows MFA."""
    return bool(truth["session_mfa"] or truth["caller_mfa"])


def whole_chain(rows: list[dict], truth: dict) -> None:
    """The rows are the chain of an event, from its origin to itself, each with its log objects."""
    assert [row["event_id"] for row in rows] == [*truth["chain_event_ids"], truth["event_id"]]
    assert [row["distance"] for row in rows] == list(range(truth["chain_depth"], -1, -1))
    assert all(row["log_object_names"] for row in rows)


def of_tag(truths: list[dict], key: str) -> Counter:
    """How many sessions carry each value of a tag, by origin and role."""
    return Counter(
        (truth["effective_tags"][key], truth["origin_name"], truth["role_arn"])
        for truth in truths if key in truth["effective_tags"]
    )


def juggled(lake: Lake) -> set[str]:
    """The sessions whose role is among their own ancestors, an hour or more after the chain began."""
    by_id = {truth["event_id"]: truth for truth in lake.simulation.truths}

    def seconds(truth: dict) -> float:
        begun = by_id[truth["origin_event_id"]]["event_time"]
        times = (datetime.datetime.fromisoformat(time) for time in (truth["event_time"], begun))
        return (next(times) - next(times)).total_seconds()

    return {
        truth["event_id"] for truth in lake.issued
        if truth["role_arn"] in {by_id[event_id]["role_arn"] for event_id in truth["chain_event_ids"]} - {None}
        and truth["origin_event_id"] in by_id and seconds(truth) > 3_600
    }


def cases(lake: Lake) -> dict:
    """The values and the expectation of every investigation; of some, several."""
    key, behind = key_behind_many(lake)
    deep = deepest(lake)
    rows = lake.catalog.rows("sessions")
    principal = next(row for row in rows if row["event_id"] == deep["event_id"])["session_principal_id"]
    moment = datetime.datetime.fromisoformat(deep["event_time"]).replace(tzinfo=None)
    identity = [truth for truth in lake.simulation.truths if truth["origin_arn"] == deep["origin_arn"] and truth["origin_known"]]
    baseline = {"baseline": str(FIRST_DAY), "since": str(LAST_DAY)}
    failed = [truth for truth in lake.truths if truth["outcome"] == "failed"]
    tokens = [truth for truth in lake.truths if truth["event_name"] in ("GetSessionToken", "GetFederationToken")]
    lost = [truth for truth in lake.issued if truth["origin_mfa"] and not mfa_seen(truth)]
    castor = f"arn:aws:iam::{incident.ACCOUNT}:user/castor"
    hostile_arn = f"arn:aws:sts::{incident.ACCOUNT}:assumed-role/middle/{incident.QUOTE}"

    def has_no_mfa(row: dict) -> bool:
        return not (row["origin_mfa"] or row["session_mfa"] or row["caller_mfa"]) and "admin" in row["role_arn"].lower()

    return {
        "how-deep-role-chains-go": (
            {"min_depth": 2},
            of_counts(
                ["chain_depth", "origin_name", "role_arn"], "sessions",
                Counter((t["chain_depth"], t["origin_name"], t["role_arn"]) for t in lake.issued if t["chain_depth"] >= 2),
            ),
        ),
        "what-did-root-do": (
            {},
            of_event_ids(ids([t for t in lake.simulation.truths if t["origin_type"] == "Root" or t["event_name"] == "AssumeRoot"])),
        ),
        "what-this-access-key-turned-into": [
            ({"access_key_id": key}, of_event_ids(behind)),
            ({"access_key_id": incident.SECOND_TWIN}, of_values("descends", {"incident-either": "may", "incident-either-deep": "may"})),
            (
                {"access_key_id": "AKIACASTOR0000000001"},
                of_values("descends", {"incident-twin-1": "yes", "incident-either": "may", "incident-either-deep": "may"}),
            ),
        ],
        "what-this-identity-turned-into": [
            ({"origin": deep["origin_arn"]}, of_values("descends", dict.fromkeys(ids(identity), "yes"))),
            ({"origin": castor}, of_values("descends", answers.descends(rows, castor))),
            ({"origin": f"arn:aws:iam::{incident.ACCOUNT}:oidc-provider/{incident.ROGUE} {incident.SUBJECT}"}, of_event_ids({"incident-rogue"})),
        ],
        "where-chains-break": (
            {},
            both(
                of_counts(["gap_reason"], "calls", Counter(gaps(lake.simulation.truths))),
                of_counts(["gap_reason"], "sessions", Counter(gaps(lake.issued))),
            ),
        ),
        "where-mfa-came-late": (
            {}, of_event_ids({"incident-mfa-late"} | ids([t for t in lake.issued if t["origin_mfa"] is False and mfa_seen(t)])),
        ),
        "where-mfa-was-lost": ({}, of_event_ids(ids(lost))),
        "where-the-logs-have-holes": (
            {"seconds": 7_200}, of_keys(["finding", "location", "seconds"], answers.holes(lake.catalog.rows("log_objects"), 7_200)),
        ),
        "where-the-source-identity-is-missing-or-changed": (
            {"percent": 50}, of_keys(["finding", "event_id"], answers.odd_source_identities(rows, 50)),
        ),
        "which-addresses-are-new-for-their-origin": (
            baseline,
            of_keys(
                ["origin_type", "origin_name", "origin_arn", "origin_issuer", "source_ip_address", "known_addresses"],
                answers.new_addresses(rows, str(LAST_DAY)),
            ),
        ),
        "which-external-ids-are-shared-or-missing": (
            {},
            of_numbers(
                ["finding", "external_id", "caller_account_id", "role_arn"], "sessions", answers.weak_external_ids(rows),
            ),
        ),
        "which-instances-use-imds-v1": (
            {}, lambda rows: [(row["calls"], row["an_event_id"]) for row in rows] == [(1, "incident-imds")] or pytest.fail(str(rows)),
        ),
        "which-keys-were-used-from-several-addresses": ({}, of_key_on_the_move),
        "which-records-prove-this-chain": ({"event_id": deep["event_id"]}, lambda rows: whole_chain(rows, deep)),
        "which-role-entries-are-new": (baseline, of_new_entries),
        "which-session-names-claim-another-identity": (
            {},
            of_values("claim_is", {
                **dict.fromkeys(["incident-no-instance", "incident-no-anna", "incident-web"], "false"),
                **dict.fromkeys(["incident-anna", "incident-namesake"], "shared"),
            }),
        ),
        "which-session-policies-are-new": (baseline, of_new_policy),
        "which-session-policies-does-each-role-get": ({}, of_policies(lake)),
        "which-sessions-carry-unusual-tags": (
            {"percent": 90}, of_keys(["finding", "event_id", "tag_key"], answers.unusual_tags(rows, 90)),
        ),
        "which-sessions-lack-their-usual-policy": (
            {**baseline, "percent": 80},
            both(
                of_intruder({"incident-no-policy", "incident-around"}, lambda row: True),
                of_event_ids(answers.lacking_policy(rows, str(LAST_DAY), 80)),
            ),
        ),
        "which-sessions-of-an-origin-were-alive": [
            (
                {"origin": deep["origin_arn"], "at": moment},
                of_event_ids(answers.alive(rows, deep["origin_arn"], deep["event_time"])),
            ),
            (
                {"origin": castor, "at": datetime.datetime.fromisoformat(f"{LAST_DAY}T11:30:00")},
                of_values("descends", {"incident-twin-1": "yes", "incident-either": "may", "incident-either-deep": "may"}),
            ),
        ],
        "which-tag-values-changed-hands": ({"tag_key": "Email"}, of_shared_values(lake)),
        "which-tag-values-does-each-origin-carry": (
            {"tag_key": "department"},
            of_counts(["tag_value", "origin_name", "role_arn"], "sessions", of_tag(lake.issued, "Department")),
        ),
        "which-tags-changed-on-the-way": ({}, of_changed_tags(lake)),
        "which-tokens-did-long-term-keys-get": ({}, both(of_event_ids({"incident-token"} | ids(tokens)), of_tried_token)),
        "which-tokens-outlived-their-key": ({}, of_outliving_token),
        "which-workload-identities-enter-which-roles": (
            {"subject": "%"},
            of_counts(
                ["subject", "role_arn"], "sessions",
                Counter((t["origin_name"], t["role_arn"]) for t in lake.issued if t["event_name"] == "AssumeRoleWithWebIdentity"),
            ),
        ),
        "who-enters-from-other-accounts": (
            {},
            of_numbers(
                ["caller_account_id", "role_account_id", "role_arn", "caller_in_logs"], "sessions",
                answers.entries_from_other_accounts(rows),
            ),
        ),
        "who-guesses-roles": ({"roles": 3}, of_guessing),
        "who-is-behind-this-access-key": (
            {"access_key_id": deep["access_key_id"]},
            lambda rows: [row["event_id"] for row in rows if row["part"] == "handed out"] == [deep["event_id"]] or pytest.fail(str(rows)),
        ),
        "who-is-behind-this-principal": ({"principal_id": principal, "at": moment}, of_event_ids({deep["event_id"]})),
        "who-is-behind-this-role-session": [
            ({"session_arn": hostile_arn}, of_event_ids({"incident-second"})),
            (
                {"session_arn": f"arn:aws:sts::{incident.ACCOUNT}:assumed-role/middle/either"},
                of_values("candidates", {"incident-either": "incident-twin-1 incident-twin-2"}),
            ),
        ],
        "who-juggles-roles": ({"seconds": 3_600}, of_event_ids(juggled(lake))),
        "who-reached-sensitive-roles-without-mfa": ({"role_name": "%admin%"}, of_intruder(set(), has_no_mfa)),
        "who-was-refused": (
            {},
            of_counts(
                ["event_name", "role_arn"], "attempts", Counter((t["event_name"], t["role_arn"]) for t in failed),
            ),
        ),
    }


def of_key_on_the_move(rows: list[dict]) -> None:
    """The stolen key was used from five addresses, another one each minute."""
    [row] = [row for row in rows if row["caller_access_key_id"] == incident.KEY]
    addresses = "198.51.100.0 198.51.100.1 198.51.100.2 198.51.100.7 203.0.113.66"
    assert (row["addresses"], row["address_list"], row["shortest_seconds"]) == (5, addresses, 60)


def of_new_entries(rows: list[dict]) -> None:
    """All of the intruder's ways are new, and none is told twice."""
    pairs = [(row["from_type"], row["from_principal"], row["to_role_arn"]) for row in rows]
    assert len(set(pairs)) == len(pairs)
    mallory, entry = f"arn:aws:iam::{incident.ACCOUNT}:user/mallory", f"{incident.ROLES}/entry"
    assert ("IAMUser", mallory, entry) in pairs
    assert ("AssumedRole", entry, f"{incident.ROLES}/middle") in pairs


def of_new_policy(rows: list[dict]) -> None:
    """The broker's policy is one policy, and new."""
    [row] = [row for row in rows if row["role_arn"] == f"{incident.ROLES}/brokered"]
    assert (row["sessions"], row["an_event_id"], row["seen_elsewhere"]) == (9, "incident-policy-0", False)


def of_policies(lake: Lake):
    """As many sessions of each role with the same restriction as the simulator passed; its hash stands for the pair."""
    passed = Counter()
    for truth in lake.issued:
        policy = (truth["session_policy_sha256"], tuple(truth["session_policy_arns"]))
        passed[truth["role_arn"], policy] += 1
    restricted = {role for role, policy in passed if role and policy != (None, ())}
    expected = Counter((role, count, policy == (None, ())) for (role, policy), count in passed.items() if role in restricted)

    def holds(rows: list[dict]) -> None:
        said = Counter(
            (row["role_arn"], row["sessions"], row["session_scope_sha256"] is None)
            for row in rows if incident.ACCOUNT not in row["role_arn"]
        )
        assert said == expected

    return holds


def of_shared_values(lake: Lake):
    """The values that several known origins carry, and by how many."""
    carriers = {}
    for truth in lake.issued:
        if truth["origin_known"] and "Email" in truth["effective_tags"]:
            carrier = (truth["origin_type"], truth["origin_arn"], truth["origin_name"])
            carriers.setdefault(truth["effective_tags"]["Email"], set()).add(carrier)

    def holds(rows: list[dict]) -> None:
        said = Counter((row["tag_value"], row["origins"]) for row in rows)
        assert said == Counter({(value, len(of)): len(of) for value, of in carriers.items() if len(of) > 1})

    return holds


def of_changed_tags(lake: Lake):
    """The tags that differ between a session and its parent."""
    by_id = {truth["event_id"]: truth for truth in lake.issued}
    expected = {("incident-tags-anew", "Email", "tagger@example.com", "victim@example.com")}
    for truth in lake.issued:
        before = by_id.get(truth["parent_event_id"], {}).get("effective_tags", {})
        for key, value in truth["effective_tags"].items():
            if before.get(key, value) != value and len(truth["link_candidates"]) < 2:
                expected.add((truth["event_id"], key, before[key], value))

    def holds(rows: list[dict]) -> None:
        assert {(row["event_id"], row["tag_key"], row["value_before"], row["value_now"]) for row in rows} == expected

    return holds


def of_outliving_token(rows: list[dict]) -> None:
    """The leaver's token was used four hours after the key's last call, and refused a minute later."""
    [row] = [row for row in rows if row["token_event_id"] == "incident-token"]
    assert (row["later_uses"], row["seconds_after"], row["an_event_id"]) == (2, 4 * 3_600 + 60, "incident-after-the-key")


def of_tried_token(rows: list[dict]) -> None:
    """The leaver's token got one session, and was refused another."""
    [row] = [row for row in rows if row["event_id"] == "incident-token"]
    assert (row["further_sessions"], row["further_refused"]) == (1, 1)


def of_guessing(rows: list[dict]) -> None:
    """Three roles in an hour by the intruder, each from another address."""
    [row] = [row for row in rows if row["origin_name"] == "mallory"]
    assert (row["roles_refused"], row["attempts"], row["sessions"]) == (3, 3, 0)
    assert (row["addresses"], row["address_list"]) == (3, "198.51.100.0 198.51.100.1 198.51.100.2")
    assert row["roles_tried"] == " ".join(f"{incident.ROLES}/{role}" for role in ("admin", "billing", "root-like"))


@pytest.mark.parametrize("investigation", investigations(), ids=lambda investigation: investigation.name)
def test_an_investigation_finds_what_is_true_on_both_engines(
    investigation: Investigation, lake, known, trino_server, duckdb_database
):
    known_cases = known[investigation.name]
    for values, expectation in known_cases if isinstance(known_cases, list) else [known_cases]:
        values = {"since": str(FIRST_DAY), "until": str(LAST_DAY + datetime.timedelta(days=1)), **values}
        told = {name: values[name] for name in investigation.marks}
        # The statement as it was deployed, its values bound in the order of the question marks.
        statement = lake.statements[investigation.statement]
        by_trino = rows_of(trino_server.ask(statement, [values[name] for name in investigation.marks], DATABASE))
        by_duckdb = asked(duckdb_database, investigation.sql, told)
        assert by_trino == by_duckdb
        assert expectation(by_trino) is not False


@pytest.mark.parametrize("name", views())
def test_a_view_is_the_same_in_both_engines(name, lake, trino_server, duckdb_database):
    # As deployed: the view's own list of columns and types, which Trino compares with its SELECT.
    columns = [column["Name"] for column in lake.catalog.columns(name)]
    flat = [column for column in columns if column not in nested(lake, name)]
    order = ", ".join(map(str, range(1, len(flat) + 1)))
    sql = f"SELECT {', '.join(flat)} FROM {name} ORDER BY {order}"
    by_trino, by_duckdb = rows_of(trino_server.ask(sql, database=DATABASE)), asked(duckdb_database, sql)
    assert by_trino
    assert by_trino == by_duckdb
    assert [column for column, *_ in trino_server.ask(f"DESCRIBE {name}", database=DATABASE)[1]] == columns


def nested(lake: Lake, name: str) -> set[str]:
    """The columns of a view that cannot be sorted by."""
    return {column["Name"] for column in lake.catalog.columns(name) if "<" in column["Type"]}


def test_every_raw_event_is_attributed_as_the_truth_says(lake, trino_server, duckdb_database, tmp_path):
    path = tmp_path / "events.json"
    path.write_bytes(raw_events.lines([*(use["record"] for use in lake.simulation.uses), lake.simulation.uses[0]["record"]]))
    duckdb_database.execute(
        f"CREATE TABLE raw_events AS SELECT *, 'all' AS \"timestamp\" FROM read_json('{path}', columns = {duck_columns()})"
    )
    duckdb_database.execute(f"CREATE VIEW {RAW_VIEW} AS {raw_select('raw_events', ['timestamp'])}")
    sql = f"SELECT * FROM {RAW_VIEW} WHERE \"timestamp\" = 'all' ORDER BY eventtime, eventid"
    by_trino, by_duckdb = rows_of(trino_server.ask(sql, database=DATABASE)), asked(duckdb_database, sql)
    assert by_trino == by_duckdb
    # One row in, one row out, the one that was delivered twice included.
    delivered = [use["event_id"] for use in lake.simulation.uses]
    assert Counter(row["eventid"] for row in by_trino) == Counter([*delivered, delivered[0]])
    by_id = {row["eventid"]: row for row in by_trino}
    lies = {}
    for use in lake.simulation.uses:
        for column, known in what_is_true(use).items():
            if by_id[use["event_id"]][column] != known:
                lies[use["scenario"], column] = (use["event_id"], by_id[use["event_id"]][column], known)
    assert lies == {}
    assert {use["gap_reason"] for use in lake.simulation.uses} >= {None, "ambiguous", "not_in_logs"}


TOLD_OF_USES = [
    "link_status", "link_evidence", "gap_reason", "parent_event_id", "chain_depth", "origin_known", "origin_type", "origin_arn",
    "origin_name", "origin_account_id", "origin_principal_id", "origin_identity_provider", "origin_access_key_id",
    "origin_event_id", "origin_mfa",
]


def what_is_true(use: dict) -> dict:
    """What the view must say of an event."""
    known = {column: use[column] for column in TOLD_OF_USES}
    if use["gap_reason"] == "ambiguous":
        return {column: None if column.startswith("origin_") and column != "origin_known" else value for column, value in known.items()}
    if "inScopeOf" in use["record"]["userIdentity"] and use["link_status"] == "origin":
        # AWS's DDL lacks the member that names the workload.
        return {"link_status": "gap", "gap_reason": "not_in_logs", "origin_known": False}
    return known


def duck_columns() -> str:
    """The columns of AWS's table that the view reads, for DuckDB's reader of JSON."""
    kinds = {**dict.fromkeys(RAW_COLUMNS, "VARCHAR"), "useridentity": " ".join(USER_IDENTITY.split())}
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items()) + "}"


def test_who_deleted_this_bucket_is_one_select(lake, trino_server):
    use = next(use for use in lake.simulation.uses if use["chain_depth"] > 1 and "bucketName" in str(use["record"]["requestParameters"]))
    bucket = use["record"]["requestParameters"]["bucketName"]
    sql = (
        "SELECT eventid, origin_name FROM attributed_events WHERE \"timestamp\" = 'all' AND eventname = ? "
        "AND json_extract_scalar(requestparameters, '$.bucketName') = ?"
    )
    _, rows = trino_server.ask(sql, [use["record"]["eventName"], bucket], DATABASE)
    assert (use["event_id"], use["origin_name"]) in rows


def test_a_query_that_prunes_reads_one_day(lake, trino_server):
    # The files of the other days are not among those that rows come from.
    sql = f"SELECT DISTINCT \"$path\" FROM sessions WHERE dt = '{SECOND_DAY}'"
    _, rows = trino_server.ask(sql, database=DATABASE)
    assert sorted(path for (path,) in rows) == sorted(lake.catalog.manifests("sessions")[str(SECOND_DAY)])


def test_hostile_values_are_bound_and_never_read_as_sql(lake, trino_server, duckdb_database):
    investigation = next(one for one in investigations() if one.name == "who-is-behind-this-role-session")
    for value in ("' OR '1' = '1", incident.QUOTE, "?", "$since", "\\' OR 1=1 --", "‮"):
        values = {"session_arn": value, "since": str(FIRST_DAY), "until": str(LAST_DAY)}
        _, by_trino = trino_server.ask(investigation.positional, [values[name] for name in investigation.marks], DATABASE)
        assert by_trino == [] == asked(duckdb_database, investigation.sql, values)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_view_of_raw_events_has_the_partition_columns_of_the_table(layout, emulator):
    name = "partitions-" + layout.replace(",", "-")
    s3, glue = emulator.client("s3"), emulator.client("glue")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        make_bucket(emulator, "templates")
    s3.put_object(Bucket="templates", Key="investigations.yaml", Body=TEMPLATE.read_bytes())
    glue.create_database(DatabaseInput={"Name": name})
    values = {"DatabaseName": name, "Workgroup": "", "CloudTrailTable": "their.events", "CloudTrailPartitions": layout}
    formation = emulator.client("cloudformation")
    formation.create_stack(
        StackName=name, TemplateURL=f"{emulator.url}/templates/investigations.yaml",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    view = glue.get_table(DatabaseName=name, Name=RAW_VIEW)["Table"]
    encoded = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    definition = json.loads(base64.b64decode(encoded))
    selected = sqlglot.parse_one(definition["originalSql"], read="athena").named_selects
    told = [column["name"] for column in definition["columns"]]
    assert told == selected == [column["Name"] for column in view["StorageDescriptor"]["Columns"]]
    assert [column for column in told if column in layout.split(",")] == layout.split(",")
    assert definition["schema"] == name
    assert "FROM their.events AS e" in definition["originalSql"]
