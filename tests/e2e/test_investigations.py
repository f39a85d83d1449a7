"""The files of infra/athena keep to their form, and the template deploys what they say."""

import pytest
import sqlglot
from sqlglot import exp

import athena_template
from investigations import ATHENA, PARTS, TYPES, Investigation, investigations, views

ALL = investigations()
names = pytest.mark.parametrize("investigation", ALL, ids=lambda investigation: investigation.name)


def test_there_are_enough_and_no_two_ask_the_same():
    assert len(ALL) >= 20
    assert len({investigation.title for investigation in ALL}) == len(ALL)


@names
def test_the_header_tells_what_a_reader_needs(investigation: Investigation):
    assert investigation.title.endswith("?")
    assert tuple(investigation.parts) == PARTS
    told = {parameter.name: parameter.type for parameter in investigation.parameters}
    assert set(told) == set(investigation.marks), "parameters that are told and those that are used"
    assert set(told.values()) <= set(TYPES)
    assert told["since"] == told["until"] == "day"


def parsed(sql: str) -> exp.Expression:
    """SQL as sqlglot reads Athena's dialect, with named parameters."""
    return sqlglot.parse_one(sql, read="athena")


@names
def test_values_stand_where_athena_takes_them(investigation: Investigation):
    # Athena user guide, "Use prepared statements": question marks in WHERE.
    marks = list(parsed(investigation.positional).find_all(exp.Placeholder))
    assert len(marks) == len(investigation.marks)
    for mark in marks:
        assert mark.find_ancestor(exp.Where), investigation.name


@names
def test_partitions_are_pruned_wherever_a_table_is_read(investigation: Investigation):
    tables_of_days = {"sessions", "log_objects", *views()}
    for select in parsed(investigation.positional).find_all(exp.Select):
        from_ = [source.this for source in select.args.get("joins") or []]
        if select.args.get("from_"):
            from_.append(select.args["from_"].this)
        read = [table for table in from_ if isinstance(table, exp.Table) and table.name in tables_of_days]
        where = select.args.get("where")
        days = [column for column in where.find_all(exp.Column) if column.name == "dt"] if where else []
        for table in read:
            assert [day for day in days if day.table in ("", table.alias)], f"{table} is read without a condition on dt"


@names
def test_the_order_of_rows_is_said(investigation: Investigation):
    assert parsed(investigation.positional).args.get("order")


@names
def test_it_fits_into_athena(investigation: Investigation):
    # Athena API: a named query's name, a prepared statement's name; user guide: question marks in the console.
    assert len(investigation.title) <= 128
    assert len(investigation.statement) <= 256
    assert len(investigation.marks) <= 25
    assert len(investigation.sql.encode()) <= 262_144


@names
def test_the_list_has_it(investigation: Investigation):
    others = ", ".join(f"`{told.name}`" for told in investigation.parameters if told.name not in ("since", "until"))
    line = f"| [{investigation.name}](investigations/{investigation.name}.sql) | {investigation.title} | {others} |"
    assert line in (ATHENA / "README.md").read_text().splitlines()


def test_the_template_is_made_of_the_files(tmp_path):
    fresh = tmp_path / "investigations.yaml"
    fresh.write_text(athena_template.template())
    assert athena_template.TEMPLATE.read_text() == fresh.read_text(), (
        "infra/investigations.yaml is behind; write it anew: target/e2e/venv/bin/python tests/e2e/athena_template.py"
    )


def test_the_template_fits_into_cloudformation():
    # AWS CloudFormation quotas: 1 MB of a template in S3, 500 resources.
    content = athena_template.TEMPLATE.read_text()
    assert len(content.encode()) < 1_000_000
    assert content.count("\n    Type: AWS::") < 500
