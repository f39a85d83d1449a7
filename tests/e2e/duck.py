"""DuckDB over a lake: the tables through their manifests, the views of infra/athena, and the functions that it spells otherwise."""

import duckdb

from catalog import Catalog
from investigations import views

# What Athena and Trino call otherwise than DuckDB.
MACROS = [
    "sequence(first, last) AS generate_series(first, last)",
    "cardinality(list) AS len(list)",
    "array_join(list, separator) AS array_to_string(list, separator)",
    "regexp_like(text, pattern) AS regexp_matches(text, pattern)",
    # DuckDB's own gives a list for a map; the investigations ask maps alone.
    "element_at(map, key) AS map_extract_value(map, key)",
    "from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)",
]


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB that calls its functions as Athena does, with nothing in it."""
    database = duckdb.connect()
    # Times in the files are UTC, and DuckDB shows them in the session's zone.
    database.execute("SET TimeZone = 'UTC'")
    for macro in MACROS:
        database.execute(f"CREATE MACRO {macro}")
    return database


def make_table(database: duckdb.DuckDBPyConnection, table: str, paths: list[str]) -> None:
    """Makes a table of data objects."""
    database.execute(
        f"CREATE VIEW {table} AS SELECT * FROM read_parquet({paths!r}, hive_partitioning = true, hive_types = {{'dt': VARCHAR}})"
    )


def make_views(database: duckdb.DuckDBPyConnection) -> None:
    """Makes the views of infra/athena, once the tables are there."""
    for name, sql in views().items():
        database.execute(f"CREATE VIEW {name} AS {sql}")


def duck(catalog: Catalog, folder) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the tables and views of a lake, whose data objects are fetched into a folder."""
    database = connect()
    for table in ("sessions", "log_objects"):
        paths = []
        for day, addresses in catalog.manifests(table).items():
            place = folder / table / f"dt={day}"
            place.mkdir(parents=True)
            for address in addresses:
                path = place / address.rsplit("/", 1)[-1]
                path.write_bytes(catalog.data_object(address))
                paths.append(str(path))
        make_table(database, table, paths)
    make_views(database)
    return database
