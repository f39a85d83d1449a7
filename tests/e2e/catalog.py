"""The published tables, found as any reader of the Glue catalog finds them and read by code that is not ours."""

import datetime
import io

import pyarrow.parquet

from emulator import Emulator

SYMLINKS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"


class Catalog:
    """The tables of a Glue database. A query engine that a later suite starts beside it needs no more than this."""

    def __init__(self, emulator: Emulator, database: str):
        self.s3 = emulator.client("s3")
        self.glue = emulator.client("glue")
        self.database = database

    def manifests(self, table: str) -> dict[str, list[str]]:
        """The data objects of every published day, by `dt`: what SymlinkTextInputFormat reads."""
        description = self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]
        storage = description["StorageDescriptor"]
        assert storage["InputFormat"] == SYMLINKS
        bucket, _, prefix = storage["Location"].removeprefix("s3://").partition("/")
        days = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                day = entry["Key"].removeprefix(prefix).split("/")[0]
                manifest = self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
                days[day.removeprefix("dt=")] = manifest.split()
        return days

    def data_objects(self, table: str) -> dict[str, bytes]:
        """The bytes of all data objects that manifests name, by address."""
        return {
            address: self.data_object(address) for named in self.manifests(table).values() for address in named
        }

    def rows(self, table: str) -> list[dict]:
        """All rows of a table. Fails where a file has other columns than the catalog says."""
        description = self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]
        columns = [column["Name"] for column in description["StorageDescriptor"]["Columns"]]
        rows = []
        for content in self.data_objects(table).values():
            file = pyarrow.parquet.read_table(io.BytesIO(content))
            assert file.column_names == columns
            rows += file.to_pylist(maps_as_pydicts="strict")
        return [{name: plain(value) for name, value in row.items()} for row in rows]

    def columns(self, table: str) -> list[dict]:
        """The columns of a table or view, as the catalog lists them."""
        return self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]["StorageDescriptor"]["Columns"]

    def data_object(self, address: str) -> bytes:
        """The bytes of one data object."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def plain(value):
    """As JSON has it: times as text."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return value
