"""infra/investigations.yaml, made from the SQL files of infra/athena: `python tests/e2e/athena_template.py` writes it anew."""

import json
import re
import textwrap

import cfnlint.decode
import duckdb

from duck import connect, make_views
from investigations import ATHENA, Investigation, investigations, views, without_comment
from stack import ROOT

TEMPLATE = ROOT / "infra/investigations.yaml"
RAW_VIEW = "attributed_events"
# The partition columns that CloudTrail tables usually have: what CloudTrailPartitions may be in infra/trailback.yaml.
LAYOUTS = [
    "timestamp",
    "region,timestamp",
    "account,region,timestamp",
    "region,year,month,day",
    "account,region,year,month,day",
]
MOST_PARTITIONS = 5

HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: "Trailback: saved investigations, prepared statements and views, generated from infra/athena by tests/e2e/athena_template.py."

Parameters:
  DatabaseName: {Type: String}
  Workgroup: {Type: String}
  CloudTrailTable: {Type: String}
  CloudTrailPartitions: {Type: String}

Conditions:
  HasWorkgroup: !Not [!Equals [!Ref Workgroup, ""]]
  HasCloudTrailTable: !Not [!Equals [!Ref CloudTrailTable, ""]]
"""


def template() -> str:
    """The whole template."""
    parts = [HEAD, *map(partition_condition, range(2, MOST_PARTITIONS + 1)), "\nResources:\n"]
    columns = view_columns()
    for name, sql in views().items():
        parts.append(view(name, sql, columns[name]))
    parts.append(raw_view(columns[RAW_VIEW]))
    for investigation in investigations():
        parts.append(named_query(investigation))
        parts.append(prepared_statement(investigation))
    return "".join(parts)


def partition(number: int) -> str:
    """The name of one of the partition columns of the team's table, or nothing.

    Padded, since even a branch that is not taken must not select what is not there.
    """
    return f'!Select [{number - 1}, !Split [",", !Sub "${{CloudTrailPartitions}}{"," * MOST_PARTITIONS}"]]'


def partition_condition(number: int) -> str:
    """A condition that holds where the team's table has this many partition columns."""
    layouts = [layout for layout in LAYOUTS if layout.count(",") >= number - 1]
    equal = [f'!Equals [!Ref CloudTrailPartitions, "{layout}"]' for layout in layouts]
    listed = ", ".join(equal)
    return f"  HasPartition{number}: {listed if len(equal) == 1 else f'!Or [{listed}]'}\n"


def logical_id(name: str) -> str:
    """`who-was-refused` as `WhoWasRefused`."""
    return "".join(word.capitalize() for word in re.split(r"[-_]", name))


def block(text: str, indent: int) -> str:
    """Text as a literal block of YAML."""
    return "|\n" + textwrap.indent(text, " " * indent)


def named_query(investigation: Investigation) -> str:
    """The investigation as people find it in Athena's console.

    Its comment bears no question mark, lest one be taken for a parameter.
    """
    lines = [f"-- {part}: {text}" for part, text in investigation.parts.items()]
    lines += ["--", "-- Values, in the order of the question marks:"]
    meanings = {parameter.name: f"{parameter.name} ({parameter.type}): {parameter.meaning}" for parameter in investigation.parameters}
    lines += [f"--   {number}. {meanings[mark]}" for number, mark in enumerate(investigation.marks, 1)]
    lines = [line.replace("?", "") for line in lines]
    folded = [piece for line in lines for piece in textwrap.wrap(line, 118, subsequent_indent="--   ") or [line]]
    assert "?" not in "".join(folded)
    return f"""
  {logical_id(investigation.name)}Query:
    Type: AWS::Athena::NamedQuery
    Condition: HasWorkgroup
    Properties:
      Name: {json.dumps(investigation.title)}
      Description: {json.dumps(investigation.parts["Finds"][:1024])}
      Database: !Ref DatabaseName
      WorkGroup: !Ref Workgroup
      QueryString: {block(chr(10).join(folded) + chr(10) + investigation.positional, 8)}"""


def prepared_statement(investigation: Investigation) -> str:
    """The investigation as programs run it: EXECUTE, or ExecutionParameters."""
    wanted = f"{investigation.title} Values, in the order of the question marks: {', '.join(investigation.marks)}"
    assert len(wanted) <= 1024, investigation.name
    # A statement knows no database: without it, it would run in whatever database is the current one.
    return f"""
  {logical_id(investigation.name)}Statement:
    Type: AWS::Athena::PreparedStatement
    Condition: HasWorkgroup
    Properties:
      StatementName: {investigation.statement}
      Description: {json.dumps(wanted)}
      WorkGroup: !Ref Workgroup
      QueryStatement: {block(investigation.positional, 8)}"""


# A description would stand for the comment by which Trino and Athena know a view: without it the view is one.
VIEW = """
  {id}View:
    Type: AWS::Glue::Table
{condition}    Properties:
      CatalogId: !Ref "AWS::AccountId"
      DatabaseName: !Ref DatabaseName
      TableInput:
        Name: {name}
        TableType: VIRTUAL_VIEW
        Parameters: {{presto_view: "true", comment: Presto View}}
        ViewExpandedText: /* Presto View */
        ViewOriginalText: !Join
          - ""
          - - "/* Presto View: "
            - Fn::Base64: {sub}
            - " */"
        StorageDescriptor:
          SerdeInfo: {{}}
          Columns:
{columns}"""


def view(name: str, sql: str, columns: dict[str, str]) -> str:
    """A view in the Glue catalog, as Athena itself writes it there."""
    text = presto_view(sql, [{"name": column, "type": trino_type(kind)} for column, kind in columns.items()])
    return VIEW.format(
        id=logical_id(name),
        name=name,
        condition="",
        sub=f"!Sub {json.dumps(text)}",
        columns="".join(storage_column(column, kind) for column, kind in columns.items()),
    )


def presto_view(sql: str, columns: list[dict]) -> str:
    """What stands in base64 in the text of a view."""
    assert "${" not in sql.replace("${CloudTrailTable}", "").replace("${CloudTrailPartitions}", "")
    members = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": "${DatabaseName}", "columns": columns}
    return json.dumps(members, separators=(",", ":"))


def raw_view(columns: dict[str, str]) -> str:
    """The view of the team's own events, over their table and with its partition columns."""
    place = list(columns).index(PARTITION)
    described = [{"name": column, "type": trino_type(kind)} for column, kind in columns.items()]
    described[place] = {"name": "${PartitionColumns}"}
    text = presto_view(without_comment(ATHENA / f"{RAW_VIEW}.sql"), described)
    text = text.replace('{"name":"${PartitionColumns}"}', "${PartitionColumns}")
    names = "!Split [\",\", !Ref CloudTrailPartitions]"
    listed = "\\\", \\\""
    typed = '","type":"varchar"},{"name":"'
    sub = f"""!Sub
                - {json.dumps(text)}
                - CloudTrailPartitions: !Join ["", ['\\"', !Join ['{listed}', {names}], '\\"']]
                  PartitionColumns: !Join ["", ['{{"name":"', !Join ['{typed}', {names}], '","type":"varchar"}}']]"""
    stored = []
    for column, kind in columns.items():
        stored.append(storage_column(column, kind) if column != PARTITION else partition_columns())
    return VIEW.format(
        id=logical_id(RAW_VIEW),
        name=RAW_VIEW,
        condition="    Condition: HasCloudTrailTable\n",
        sub=sub,
        columns="".join(stored),
    )


def storage_column(name: str, kind: str) -> str:
    """A column as Glue lists it."""
    return f'            - {{Name: {name}, Type: "{hive_type(kind)}"}}\n'


def partition_columns() -> str:
    """The partition columns of the team's table, as many as there are."""
    first = f"            - {{Name: {partition(1)}, Type: string}}\n"
    others = [
        f"""\
            - !If
              - HasPartition{number}
              - {{Name: {partition(number)}, Type: string}}
              - !Ref "AWS::NoValue"
"""
        for number in range(2, MOST_PARTITIONS + 1)
    ]
    return first + "".join(others)


PARTITION = "timestamp"
USER_IDENTITY = """STRUCT("type" VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, invokedby VARCHAR, accesskeyid VARCHAR,
    username VARCHAR, onbehalfof STRUCT(userid VARCHAR, identitystorearn VARCHAR), sessioncontext STRUCT(
    attributes STRUCT(mfaauthenticated VARCHAR, creationdate VARCHAR), sessionissuer STRUCT("type" VARCHAR, principalid VARCHAR,
    arn VARCHAR, accountid VARCHAR, username VARCHAR), ec2roledelivery VARCHAR))"""
# The columns of AWS's table that the view reads: Amazon Athena user guide, "Create a table for CloudTrail logs".
RAW_COLUMNS = (
    "eventversion eventtime eventsource eventname awsregion sourceipaddress useragent errorcode errormessage requestparameters "
    "responseelements additionaleventdata requestid eventid readonly eventtype recipientaccountid sharedeventid vpcendpointid"
).split()


def view_columns() -> dict[str, dict[str, str]]:
    """The columns of each view with DuckDB's types, found by making the views over empty tables of the catalog's columns."""
    database = connect()
    catalog, problems = cfnlint.decode.decode(str(ROOT / "infra/catalog.yaml"))
    assert not problems
    for resource in ("Sessions", "LogObjects"):
        table = catalog["Resources"][resource]["Properties"]["TableInput"]
        columns = [f'"{column["Name"]}" {duck_type(column["Type"])}' for column in table["StorageDescriptor"]["Columns"]]
        database.execute(f"CREATE TABLE {table['Name']} ({', '.join(columns)}, dt VARCHAR)")
    make_views(database)
    raw = ", ".join(f"{column} VARCHAR" for column in (*RAW_COLUMNS, f'"{PARTITION}"'))
    database.execute(f"CREATE TABLE raw ({raw}, useridentity {USER_IDENTITY})")
    database.execute(f"CREATE VIEW {RAW_VIEW} AS {raw_events('raw', [PARTITION])}")
    return {name: described(database, name) for name in (*views(), RAW_VIEW)}


def raw_events(table: str, partitions: list[str]) -> str:
    """The SELECT of the raw-event view over a table."""
    sql = without_comment(ATHENA / f"{RAW_VIEW}.sql")
    listed = ", ".join(f'"{name}"' for name in partitions)
    return sql.replace("${CloudTrailTable}", table).replace("${CloudTrailPartitions}", listed)


def described(database: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """The columns of a table or view."""
    return {column: kind for column, kind, *_ in database.execute(f"DESCRIBE {name}").fetchall()}


def duck_type(hive: str) -> str:
    """A type of the catalog, as DuckDB writes it."""
    array = re.fullmatch(r"array<(.*)>", hive)
    if array:
        return f"{duck_type(array[1])}[]"
    fields = re.fullmatch(r"struct<(.*)>", hive)
    if fields:
        pairs = (field.split(":") for field in fields[1].split(","))
        return f"STRUCT({', '.join(f'{name} {duck_type(kind)}' for name, kind in pairs)})"
    return {"map<string,string>": "MAP(VARCHAR, VARCHAR)", "string": "VARCHAR", "int": "INTEGER"}.get(hive, hive.upper())


SCALARS = {
    "VARCHAR": ("varchar", "string"),
    "INTEGER": ("integer", "int"),
    "BIGINT": ("bigint", "bigint"),
    "BOOLEAN": ("boolean", "boolean"),
    "TIMESTAMP": ("timestamp(3)", "timestamp"),
    "MAP(VARCHAR, VARCHAR)": ("map(varchar, varchar)", "map<string,string>"),
}


def trino_type(kind: str) -> str:
    """A type of DuckDB, as Trino writes it."""
    if kind.endswith("[]"):
        return f"array({trino_type(kind[:-2])})"
    if kind.startswith("STRUCT("):
        return f"row({', '.join(f'{name} {trino_type(of)}' for name, of in struct_fields(kind))})"
    return SCALARS[kind][0]


def hive_type(kind: str) -> str:
    """A type of DuckDB, as the Glue catalog writes it."""
    if kind.endswith("[]"):
        return f"array<{hive_type(kind[:-2])}>"
    if kind.startswith("STRUCT("):
        return f"struct<{','.join(f'{name}:{hive_type(of)}' for name, of in struct_fields(kind))}>"
    return SCALARS[kind][1]


def struct_fields(kind: str) -> list[list[str]]:
    """The names and types of a struct of scalars."""
    return [field.replace('"', "").split(" ") for field in kind.removeprefix("STRUCT(").removesuffix(")").split(", ")]


if __name__ == "__main__":
    TEMPLATE.write_text(template())
