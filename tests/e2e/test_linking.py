"""The linking in SQL gives the rows that the linker publishes: every row, every column, on DuckDB and on Trino.

The linker is the specification. What it published of a lake is compared with what infra/athena/linking makes of the same lake's fragments.
"""

import datetime
import os
import pathlib
import shutil
import subprocess

import pyarrow.parquet
import pytest

from athena_by_trino import AthenaByTrino, glue_table
from catalog import Catalog, plain
from conftest import make_bucket
from crowded_records import crowded_records, write_fragments
from linking_engines import LINKING, Duck, driver, fragment_columns
from simulation import Simulation, binary

pytestmark = pytest.mark.engines
link = driver()
# Breaking each rule, and a second lake on Trino, take minutes: `LINKING=all make engines TESTS='-k linking'` after a change of the SQL.
thorough = pytest.mark.skipif(os.environ.get("LINKING") != "all", reason="LINKING=all runs it, after a change of infra/athena/linking")
# Projected partitions end tomorrow.
FIRST_DAY = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0) - datetime.timedelta(days=4)
# An hour before midnight: their seconds lie on both sides of it.
CROWD_STARTS = FIRST_DAY + datetime.timedelta(hours=23)
ALL_KINDS = {
    ("origin",), ("linked", "issued_key"), ("linked", "session_context"), ("gap", "not_in_logs"), ("gap", "caller_copy_missing"),
    ("gap", "ambiguous"),
}


@pytest.fixture(scope="module")
def organisation(tmp_path_factory):
    """A lake of nearly three days of a simulated organisation."""
    folder = tmp_path_factory.mktemp("linking")
    simulation = Simulation(folder, 23, 4_000, "--start", f"{FIRST_DAY:%Y-%m-%d}T00:00:00Z", "--hours", "66", "--duplicates", "0.2")
    lake = folder / "lake"
    subprocess.run([binary("trailback"), "ingest", simulation.folder, "--lake", lake], check=True, capture_output=True)
    return lake


def crowd(folder: pathlib.Path, worlds: int) -> pathlib.Path:
    """A lake of records that collide, linked by the linker."""
    lake = folder / "lake"
    write_fragments(crowded_records(worlds, CROWD_STARTS), fragment_columns(), lake)
    subprocess.run([binary("trailback"), "link", "--lake", lake], check=True, capture_output=True)
    return lake


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Records that collide."""
    return crowd(tmp_path_factory.mktemp("crowd"), 1_500)


def test_an_organisation_is_linked_as_the_linker_does(organisation):
    duck = Duck(organisation)
    link.Linking(duck, *duck.days()).run()
    assert duck.differences() == {}
    assert set(duck.counts()) == ALL_KINDS


def test_records_that_collide_are_linked_as_the_linker_does(crowded):
    duck = Duck(crowded)
    link.Linking(duck, *duck.days()).run()
    assert duck.differences() == {}
    # What is compared is there, and often enough to tell.
    counts = duck.counts()
    assert set(counts) == ALL_KINDS | {("gap", "loop")}
    assert min(counts.values()) >= 10


@pytest.mark.parametrize("lake", ["organisation", "crowded"])
def test_day_after_day_gives_what_all_days_at_once_give(lake, request):
    duck = Duck(request.getfixturevalue(lake))
    first, last = duck.days()
    for day in link.days_of(first, last):
        link.Linking(duck, day, day).run()
        duck.database.execute("INSERT INTO sessions BY NAME SELECT * FROM linking_sessions")
    assert duck.differences("sessions") == {}


# One rule broken each: a file, what stands in it, and what would stand there if the rule were forgotten.
BROKEN = {
    "L1 the older reading speaks": ("01-records", "extract_version DESC", "extract_version"),
    "L1 the greater reading speaks": ("01-records", "user_agent NULLS FIRST", "user_agent DESC"),
    "L1 places of repeats are lost": ("01-records", "array_agg(log_objects) OVER (PARTITION BY event_id, recipient_account_id, event_time)", "ARRAY[log_objects]"),
    "L1 corrections are not joined": ("02-issuances", "flatten(filter(joined, g -> arrays_overlap(g, edge[1])) || edge)", "flatten(edge)"),
    "L1 the original speaks": ("02-issuances", "THEN 1 ELSE 0 END", "THEN 0 ELSE 1 END"),
    "L1 the smallest correction speaks": ("02-issuances", "r.event_id DESC", "r.event_id"),
    "L1 replaced rows stay candidates": ("05-candidates", "r.row_id IS NULL AND", ""),
    "L1 replaced for good": ("05-candidates", "AND r.replaced_at BETWEEN f.called_at - INTERVAL '36' HOUR AND f.called_at", ""),
    "L2 the copy without a caller speaks": ("02-issuances", "ORDER BY COALESCE(caller_type = 'AWSAccount', false),", "ORDER BY"),
    "L2 twins of two seconds count twice": ("05-candidates", "copy = 1 OR", "true OR"),
    "L3 a key is enough": ("05-candidates", "p.session_principal_id = c.caller_principal_id AND COALESCE", "COALESCE"),
    "L3 accounts may differ": ("05-candidates", "COALESCE(p.session_account_id = c.caller_account_id, true)", "true"),
    "L3 a key without a name is enough": ("05-candidates", "p.event_time = c.caller_session_created_at AND COALESCE(p.told", "COALESCE(p.told"),
    "L3 accounts of sessions without a name may differ": ("05-candidates", "COALESCE(p.told_account_id = c.caller_account_id, true)", "true"),
    "L3 the identity of Cognito is a session's name": ("05-candidates", "p.session_type = 'WebIdentity' OR", ""),
    "L3 witnesses are parents": ("04-parents", "session_type <> 'Witness'", "true"),
    "L3 refused calls are parents": ("04-parents", "outcome = 'issued'", "true"),
    "L3 an echo of the caller's key is a parent": ("04-parents", "AND NOT (session_type = 'Console'", "AND NOT (session_type = 'None'"),
    "L3 a parent may be older": ("05-candidates", "AND p.event_time BETWEEN f.called_at - INTERVAL '36' HOUR", "AND p.event_time BETWEEN f.called_at - INTERVAL '37' HOUR"),
    "L3 a parent must be younger": ("05-candidates", "AND p.event_time BETWEEN f.called_at - INTERVAL '36' HOUR", "AND p.event_time BETWEEN f.called_at - INTERVAL '35' HOUR"),
    "L4 without the context": ("05-candidates", "AND p.event_time = c.caller_session_created_at", "AND false"),
    "L4 federated users of anybody are parents": ("05-candidates", "AND NOT (p.session_type = 'FederatedUser' AND COALESCE(p.caller_arn <> f.issuer_arn, false))", ""),
    "L4 issuances with another source identity are parents": ("07-next-generation", "COALESCE(p.source_identity = b.caller_source_identity, true) AS fits", "true AS fits"),
    "L4 the key is asked for its source identity": ("07-next-generation", "c.evidence = 'issued_key' OR", ""),
    "L4 the context beside the key": ("05-candidates", "WHERE evidence = best_evidence", ""),
    "L4 any type of session": ("05-candidates", "AND p.session_type = 'AssumedRole'", ""),
    "L5 names need not agree": ("07-next-generation", "AND o.origin_name IS NOT DISTINCT FROM p.origin_name", ""),
    "L5 sessions that are called the same agree": ("07-next-generation", "o.origin_known OR COALESCE", "true OR COALESCE"),
    "L5 keys of unknown origins need not agree": ("07-next-generation", "COALESCE(o.origin_access_key_id = p.origin_access_key_id, false)", "true"),
    "L5 ambiguous gaps agree": ("07-next-generation", "COALESCE(o.gap_reason <> 'ambiguous', true)", "true"),
    "L5 tags of one are believed": ("07-next-generation", "bool_and(\n      o.effective_tags_known", "bool_and(true OR\n      o.effective_tags_known"),
    "L5 MFA of one is believed": ("07-next-generation", "bool_and(o.origin_mfa IS NOT DISTINCT FROM p.origin_mfa)", "true"),
    "L5 the source identity of one is believed": ("07-next-generation", "bool_and(o.source_identity IS NOT DISTINCT FROM p.source_identity)", "true"),
    "L5 an ambiguous gap that is the only one to fit is none": ("07-next-generation", "WHERE c.number_of_fitting > 1\n", "WHERE c.number_of_fitting > 0\n"),
    "L5 the greatest event ID is the parent": ("05-candidates", "PARTITION BY row_id ORDER BY event_id,", "PARTITION BY row_id ORDER BY event_id DESC,"),
    "L5 all that is left over is a loop": ("09-loops", "AND w.to_id = b.row_id", ""),
    "L5 the key of one is believed": ("07-next-generation", "bool_and(o.origin_access_key_id IS NOT DISTINCT FROM p.origin_access_key_id)", "true"),
    "L5 the address of one is believed": ("07-next-generation", "bool_and(o.origin_source_ip_address IS NOT DISTINCT FROM p.origin_source_ip_address)", "true"),
    "L6 every AWS session is AssumedRole": ("03-beginnings", "from_permission_set OR", ""),
    "L6 whoever is called so is Identity Center's": ("03-beginnings", "AND COALESCE(strpos(caller_session_issuer_arn, ':role/aws-reserved/sso.amazonaws.com/') > 0, false)", ""),
    "L6 a path that is not shown is Identity Center's": ("03-beginnings", "(caller_session_issuer_arn, ':role/aws-reserved/sso.amazonaws.com/') > 0, false)", "(caller_session_issuer_arn, ':role/aws-reserved/sso.amazonaws.com/') > 0, true)"),
    "L6 AssumeRoot is the root user": ("03-beginnings", "WHEN COALESCE(caller_assumed_root, false) THEN false", ""),
    "L6 every key of root's is its own": ("03-beginnings", "WHEN starts_with(caller_access_key_id, 'ASIA') THEN false", ""),
    "L6 every session of root's is its own": ("03-beginnings", "ELSE caller_session_created_at IS NULL", "ELSE true"),
    "L6 a refused sign-in names somebody": ("03-beginnings", "AND NOT only_claimed", ""),
    "L6 a type alone is a name": ("03-beginnings", "AND (origin_name IS NOT NULL OR origin_arn IS NOT NULL OR origin_principal_id IS NOT NULL)", ""),
    "L6 a delegate is the user": ("03-beginnings", "OR caller_delegate_account_id IS NOT NULL", ""),
    "L6 every call to Roles Anywhere has a certificate": ("03-beginnings", "AND event_name = 'CreateSession'", ""),
    "L6 pods are named by their session": ("03-beginnings", "contains(map_keys(session_tags), 'kubernetes-namespace') AND", "false AND"),
    "L7 the account in an ID is not read": ("03-beginnings", "549755813888", "549755813889"),
    "L8 all tags pass on": ("07-next-generation", "ELSE p.passing_keys\n", "ELSE map_keys(p.effective_tags)\n"),
    "L8 a witness's tags are cut": ("03-beginnings", "session_type IN ('Console', 'Witness')", "session_type IN ('Console')"),
    "L8 case tells tags apart": ("07-next-generation", "own -> lower(own)), lower(k))", "own -> own), k)"),
    "L8 tags of certificates are known": ("03-beginnings", "AND NOT by_certificate\n", "\n"),
    "L8 tags of calls that are not known are known": ("03-beginnings", "session_type NOT IN ('Delegated', 'Unknown', 'WebIdentity')", "true"),
    "L8 tags that are withheld are known": ("03-beginnings", "COALESCE(packed_policy_size > 0, false)", "false"),
    "L8 tags of a request that is left out are known": ("03-beginnings", "OR (session_type = 'AssumedRole' AND outcome = 'issued' AND role_arn IS NULL)", ""),
    "L8 what goes on without an issuance has no tags": ("03-beginnings", "(is_same_session AND COALESCE", "(false AND COALESCE"),
    "L8 two tags of one key are both in force": ("03-beginnings", "lower(other) = lower(k))) = 1", "lower(other) = lower(k))) > 0"),
    "L9 false says something of everybody": ("03-beginnings", "WHEN caller_type IN ('IAMUser', 'Root') THEN COALESCE(session_mfa, caller_mfa)", "ELSE COALESCE(session_mfa, caller_mfa)"),
    "L9 unknown MFA is false": ("03-beginnings", "THEN COALESCE(session_mfa, caller_mfa)", "THEN COALESCE(session_mfa, caller_mfa, false)"),
    "L9 a gap has MFA": ("03-beginnings", "WHEN NOT is_known THEN NULL\n    WHEN COALESCE", "WHEN COALESCE"),
    "L10 the chain is cut too early": ("07-next-generation", "greatest(hops - 30, 1), 31)", "greatest(hops - 29, 1), 30)"),
    "L10 the chain is not cut": ("07-next-generation", "greatest(hops - 30, 1), 31)", "1, 99)"),
    "L11 earlier rows have no chain": ("06-first-generation", "s.chain_depth, s.chain,", "0, s.chain,"),
}


@pytest.fixture(scope="module")
def judges(organisation, crowded):
    """Days of both lakes that are linked after the day before was published: the SQL as it stands finds no difference in them."""
    found = []
    for lake in (crowded, organisation):
        duck = Duck(lake)
        first, last = duck.days()
        second = first + datetime.timedelta(days=1)
        duck.database.execute(f"INSERT INTO sessions SELECT * FROM published WHERE dt = '{first}'")
        duck.database.execute("ALTER VIEW published RENAME TO all_published")
        duck.database.execute(f"CREATE VIEW published AS SELECT * FROM all_published WHERE dt >= '{second}'")
        link.Linking(duck, second, last).run()
        assert duck.differences() == {}
        found.append((duck, second, last))
    return found


@thorough
@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_seen(rule, judges, tmp_path):
    step, stands, instead = BROKEN[rule]
    steps = shutil.copytree(LINKING, tmp_path / "linking")
    text = (steps / f"{step}.sql").read_text()
    assert stands in text
    (steps / f"{step}.sql").write_text(text.replace(stands, instead))
    assert any(is_another_table(duck, since, until, steps) for duck, since, until in judges)


def is_another_table(duck: Duck, since: datetime.date, until: datetime.date, steps: pathlib.Path) -> bool:
    """Whether these steps make other rows than the linker, or none at all."""
    try:
        link.Linking(duck, since, until, steps).run()
    except link.Refused:
        return True
    return duck.differences() != {}


def in_the_emulator(emulator, name: str, lake: pathlib.Path) -> None:
    """A bucket with the fragments of a lake, one for the linked table, and a database with the two tables that README.md says to make."""
    make_bucket(emulator, name)
    make_bucket(emulator, f"{name}-linked")
    s3, glue = emulator.client("s3"), emulator.client("glue")
    for path in sorted((lake / "sessions/fragments").rglob("*.parquet")):
        s3.put_object(Bucket=name, Key=path.relative_to(lake).as_posix(), Body=path.read_bytes())
    glue.create_database(DatabaseInput={"Name": name})
    first = f"{FIRST_DAY:%Y-%m-%d}"
    fragments = (LINKING / "fragments.sql").read_text().replace("LAKE", name).replace("FIRST-DAY", first)
    schema = [binary("trailback"), "schema", "--format", "athena-ddl", "--location", f"s3://{name}-linked/by-joins/table/", "--first-day", first]
    sessions = subprocess.run(schema, check=True, capture_output=True, text=True).stdout
    for ddl in (fragments, sessions):
        glue.create_table(DatabaseName=name, TableInput=glue_table(ddl))


def by_identity(rows: list[dict]) -> dict[tuple, dict]:
    """Rows by what tells them apart."""
    return {(row["event_id"], row["recipient_account_id"], row["event_time"]): row for row in rows}


def published_by_the_linker(lake: pathlib.Path) -> list[dict]:
    """The rows of a lake in a folder, as Catalog.rows has them."""
    rows = []
    for path in lake.glob("sessions/data/*/*.parquet"):
        rows += pyarrow.parquet.ParquetFile(path).read().to_pylist(maps_as_pydicts="strict")
    return [{name: plain(value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("lake", [pytest.param("organisation", marks=thorough), "crowded"])
def test_trino_publishes_the_linkers_rows(lake, request, emulator, trino_server, monkeypatch, record_property):
    folder, name = request.getfixturevalue(lake), f"linking-{lake}"
    in_the_emulator(emulator, name, folder)
    athena = AthenaByTrino(trino_server, emulator, name)
    monkeypatch.setattr(link, "aws", athena)
    since, until = Duck(folder).days()
    # The crowd in two runs: the second finds the first one's rows in the published table.
    runs = {"organisation": [(since, until)], "crowded": [(since, since), (since + datetime.timedelta(days=1), until)]}
    for first, last in runs[lake]:
        typed = ["--since", str(first), "--until", str(last), "--to", f"s3://{name}-linked/by-joins/", "--database", name, "--workgroup", "any"]
        monkeypatch.setattr("sys.argv", ["link.py", *typed])
        link.main()
    expected, found = by_identity(published_by_the_linker(folder)), by_identity(Catalog(emulator, name).rows("sessions"))
    assert found.keys() == expected.keys()
    differing = {
        column: (identity, row[column], found[identity][column])
        for identity, row in expected.items() for column in row if row[column] != found[identity][column]
    }
    assert differing == {}
    # As whoever asks sees it, through the manifests.
    assert trino_server.ask("SELECT count(*) FROM sessions", database=name)[1] == [(len(expected),)]
    record_property(f"rows compared on Trino, {lake}", f"{len(expected)}, {len(athena.statements)} statements")


def test_the_table_of_fragments_has_their_columns():
    described = glue_table((LINKING / "fragments.sql").read_text())["StorageDescriptor"]["Columns"]
    assert described == [{"Name": column["name"], "Type": column["type"]} for column in fragment_columns()]
