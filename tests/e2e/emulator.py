"""ministack: AWS as one process, with our functions run as Lambda runs them and their roles enforced."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3

REGION = "eu-central-1"  # Not the default one: a bucket there must be made with its place named.
ACCOUNT = "000000000000"
START_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what: str, holds, seconds: float, pause: float = 0.2):
    """Waits until `holds()` is true, and returns what it returned."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(pause)
    return found


class Emulator:
    """A running ministack and the clients that speak to it."""

    def __init__(self, folder: pathlib.Path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "ministack.log"
        # What roles asked for, a JSON object a line: permissions.py reads it.
        self.roles_ask = folder / "roles-ask.jsonl"
        self.roles_ask.touch()
        # Where it unpacks the functions, a hundred megabytes that it leaves behind.
        self.unpacked = folder / "unpacked"
        self.unpacked.mkdir()
        # The variables that ministack's own children, our functions, inherit: without the address they would ask the real AWS.
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server = {
            **self.environment,
            "AUTH": "true",  # Policies and roles are enforced: a permission that the templates forget is found here.
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_PORT": str(free_port()),
            "TMPDIR": str(self.unpacked),
            "ROLES_ASK": str(self.roles_ask),
        }
        ministack = pathlib.Path(__file__).parent / "mended_ministack.py"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, ministack], env=server, stdout=log, stderr=log, cwd=folder, start_new_session=True
            )
        wait_until("ministack answers", self._answers, START_SECONDS)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"ministack did not start: {self.log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def client(self, service: str):
        """A client of boto3 for one service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def stop(self) -> None:
        """Ends ministack and the functions it started."""
        stop_group(self.process)
        shutil.rmtree(self.unpacked)


def stop_group(process: subprocess.Popen, grace_seconds: float = 10) -> None:
    """Ends a process that was started as the leader of its own group, and the group with it."""
    for how, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, how)
            process.wait(seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
