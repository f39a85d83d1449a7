"""Trino, the engine under Athena: a real server with its Hive connector, over the emulator's Glue catalog and S3."""

import os
import pathlib
import re
import shutil
import subprocess

import trino

from emulator import REGION, Emulator, free_port, stop_group, wait_until
from stack import ROOT

START_SECONDS = 180
SOURCE = ROOT / "tests/e2e/trino"
CATALOG = "awsdatacatalog"  # As Athena calls it, and as the views name it.


def install() -> pathlib.Path:
    """The folder of a server, fetched by Maven with the machine's own settings; made once for each version."""
    version = re.search(r"<trino.version>(.*)</trino.version>", (SOURCE / "pom.xml").read_text())[1]
    home = ROOT / "target/e2e" / f"trino-{version}"
    assert shutil.which("java") and shutil.which("mvn"), "Trino needs Java 17 and Maven; nothing was tested on it"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        maven = ["mvn", "--quiet", "--batch-mode", "--file", SOURCE / "pom.xml", "package", f"-Dhome={home}"]
        # Some registries are far away; half a download is none.
        fetched = subprocess.run(maven, capture_output=True, text=True, check=False, timeout=840)
        assert fetched.returncode == 0, f"Maven cannot fetch Trino:\n{fetched.stdout[-3000:]}{fetched.stderr[-3000:]}"
        (home / "complete").touch()
    return home


class Trino:
    """A running server that knows one Glue catalog."""

    def __init__(self, folder: pathlib.Path, emulator: Emulator):
        self.port = free_port()
        self.log = folder / "trino.log"
        home = install()
        (folder / "catalog").mkdir()
        write_properties(folder / "catalog" / f"{CATALOG}.properties", connector(emulator.url))
        write_properties(folder / "config.properties", server(self.port, home, folder))
        command = [
            "java", "-Xmx1500M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256M", "-Djdk.attach.allowAttachSelf=true",
            f"-Dconfig={folder / 'config.properties'}", "-cp", f"{home}/lib/*", SOURCE / "TrinoServer.java",
            home.name.removeprefix("trino-"),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=without_aws(), stdout=log, stderr=log, start_new_session=True
            )
        wait_until("Trino starts", self._is_started, START_SECONDS, pause=1)

    def _is_started(self) -> bool:
        said = self.log.read_text()
        if self.process.poll() is not None:
            raise AssertionError(f"Trino did not start: {said[-3000:]}")
        return "======== SERVER STARTED ========" in said

    def ask(self, sql: str, values: list | None = None, database: str = "default") -> tuple[list[str], list[tuple]]:
        """The columns and rows of a query; values are bound to its question marks by PREPARE and EXECUTE."""
        # A server on a busy machine hears of its own worker, and of the worker's catalogs, some time after it says that it started.
        return wait_until("Trino has a worker", lambda: self._answer(sql, values, database), START_SECONDS, pause=1)

    def _answer(self, sql: str, values: list | None, database: str) -> tuple[list[str], list[tuple]] | None:
        connection = trino.dbapi.connect(
            host="127.0.0.1", port=self.port, user="suite", catalog=CATALOG, schema=database, timezone="UTC"
        )
        cursor = connection.cursor()
        try:
            cursor.execute(sql, values)
            rows = [tuple(row) for row in cursor.fetchall()]
        except trino.exceptions.TrinoQueryError as refused:
            if refused.error_name == "NO_NODES_AVAILABLE":
                return None
            raise
        return [column[0] for column in cursor.description or []], rows

    def stop(self) -> None:
        """Ends the server."""
        stop_group(self.process)


def connector(url: str) -> dict[str, str]:
    """The properties of the Hive connector."""
    return {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.endpoint-url": url,
        "hive.metastore.glue.region": REGION,
        # The emulator tells all partitions, whichever segment of them it is asked for.
        "hive.metastore.glue.partitions-segments": "1",
        "hive.metastore.glue.aws-access-key": "test",
        "hive.metastore.glue.aws-secret-key": "test",
        "hive.partition-projection-enabled": "true",
        # As in Athena, where every table is an external one.
        "hive.non-managed-table-writes-enabled": "true",
        "hive.allow-drop-table": "true",
        # The file systems of Hadoop are another download, and not what reads S3 in a Trino of today.
        "fs.hadoop.enabled": "false",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": url,
        "s3.region": REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": "test",
        "s3.aws-secret-key": "test",
    }


def server(port: int, home: pathlib.Path, folder: pathlib.Path) -> dict[str, str]:
    """The properties of a server that is its own only worker."""
    return {
        "node.environment": "suite",
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(port),
        "discovery.uri": f"http://127.0.0.1:{port}",
        "plugin.dir": str(home / "plugin"),
        "catalog.config-dir": str(folder / "catalog"),
        "query.max-memory": "600MB",
        "query.max-memory-per-node": "600MB",
        "memory.heap-headroom-per-node": "300MB",
    }


def write_properties(path: pathlib.Path, properties: dict[str, str]) -> None:
    """Writes a file of properties."""
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def without_aws() -> dict[str, str]:
    """The environment without what would lead to the real AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
