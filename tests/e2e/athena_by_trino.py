"""Trino in the place of Athena for infra/athena/linking/link.py: what its commands of the AWS CLI ask is answered by Trino and the emulator."""

import json
import re

from emulator import Emulator
from trino_server import Trino


class AthenaByTrino:
    """Stands where link.py calls `aws`. Keeps the answers of Trino by the IDs of its queries."""

    def __init__(self, trino: Trino, emulator: Emulator, database: str):
        self.trino, self.s3, self.glue, self.database = trino, emulator.client("s3"), emulator.client("glue"), database
        self.answers = []
        self.statements = []

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        command = {("athena", "start-query-execution"): self._start, ("athena", "get-query-execution"): self._state,
                   ("athena", "get-query-results"): self._results, ("s3", "cp"): self._put, ("s3", "rm"): self._remove,
                   ("glue", "get-tables"): self._tables, ("glue", "create-table"): self._mark, ("glue", "delete-table"): self._forget}[arguments[:2]]
        named = dict(zip(arguments, arguments[1:]))
        return command(named, arguments, given)

    def _start(self, named: dict, _arguments, _given) -> str:
        assert named["--query-execution-context"] == f"Database={self.database}"
        sql = named["--query-string"]
        self.statements.append(sql)
        # The one property that Trino's tables do not have.
        self.answers.append(self.trino.ask(sql.replace("write_compression = 'ZSTD', ", ""), database=self.database))
        return f"{len(self.answers) - 1}\n"

    @staticmethod
    def _state(_named, _arguments, _given) -> str:
        return json.dumps({"QueryExecution": {"Status": {"State": "SUCCEEDED"}}})

    def _results(self, named: dict, _arguments, _given) -> str:
        columns, rows = self.answers[int(named["--query-execution-id"])]
        if columns == ["rows"]:
            return json.dumps({"UpdateCount": rows[0][0]})
        listed = [{"Data": [{"VarCharValue": str(value)} for value in row]} for row in [columns, *rows]]
        return json.dumps({"ResultSet": {"Rows": listed}})

    def _tables(self, _named, _arguments, _given) -> str:
        return json.dumps({"TableList": self.glue.get_tables(DatabaseName=self.database)["TableList"]}, default=str)

    def _mark(self, named: dict, _arguments, _given) -> str:
        self.glue.create_table(DatabaseName=self.database, TableInput=json.loads(named["--table-input"]))
        return ""

    def _forget(self, named: dict, _arguments, _given) -> str:
        self.glue.delete_table(DatabaseName=self.database, Name=named["--name"])
        return ""

    def _put(self, named: dict, _arguments, given: str) -> str:
        bucket, key = place(named["-"])
        self.s3.put_object(Bucket=bucket, Key=key, Body=given.encode())
        return ""

    def _remove(self, _named, arguments, _given) -> str:
        bucket, key = place(arguments[-1])
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", []) if "--recursive" in arguments else [{"Key": key}]
        for entry in listed:
            self.s3.delete_object(Bucket=bucket, Key=entry["Key"])
        return ""


def place(address: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def glue_table(ddl: str) -> dict:
    """The table that a CREATE EXTERNAL TABLE of ours describes, for the Glue catalog: what Athena would make of it."""
    name = re.search(r"CREATE EXTERNAL TABLE (?:IF NOT EXISTS )?(\S+) \(", ddl)[1].strip("`").rsplit(".", 1)[-1].strip("`")
    body, rest = re.split(r"\n\)\n", ddl.split("(\n", 1)[1], maxsplit=1)
    column = re.compile(r"`?(\w+)`? (\S+?)(?:,| COMMENT.*)?$")
    columns = [column.match(line.strip()).groups() for line in body.splitlines()]
    partitions = re.findall(r"`?(\w+)`? string", re.search(r"PARTITIONED BY \((.*)\)\n", rest)[1])
    symlinks = "SymlinkTextInputFormat" in rest
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": partition, "Type": "string"} for partition in partitions],
        "Parameters": {"EXTERNAL": "TRUE", **dict(re.findall(r"'([\w.]+)' = '(.*)'", rest))},
        "StorageDescriptor": {
            "Columns": [{"Name": told, "Type": kind} for told, kind in columns],
            "Location": re.search(r"LOCATION '(.*)'", rest)[1],
            "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat" if symlinks
            else "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat" if symlinks
            else "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }
