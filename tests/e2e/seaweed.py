"""SeaweedFS: a second implementation of S3 that shares no code with the first."""

import pathlib
import subprocess
import sys

import boto3
import botocore.config

from emulator import free_port, stop_group, wait_until

START_SECONDS = 90


class Seaweed:
    """A running `weed server -s3` and a client that speaks to it."""

    def __init__(self, folder: pathlib.Path):
        self.log = folder / "seaweed.log"
        # Every part listens on a port of its own, and on a second one for gRPC.
        ports = {part: (free_port(), free_port()) for part in ("master", "volume", "filer", "s3")}
        self.url = f"http://127.0.0.1:{ports['s3'][0]}"
        options = [f"-{part}.port{kind}={port}" for part, pair in ports.items() for kind, port in zip(("", ".grpc"), pair)]
        weed = pathlib.Path(sys.executable).parent / "weed"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    weed, "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                    # A bucket takes seven volumes; eight, the default, are used up by the second bucket.
                    "-volume.max=200", "-master.telemetry=false", *options,
                ],
                stdout=log, stderr=log, start_new_session=True,
            )
        wait_until("SeaweedFS answers", self._answers, START_SECONDS, pause=0.5)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"SeaweedFS did not start: {self.log.read_text()[-2000:]}")
        try:
            self.client().list_buckets()
        except Exception:  # Not yet: the ways to fail are many.
            return False
        return True

    def client(self):
        """A client of boto3 for S3."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def stop(self) -> None:
        """Ends it at once: nothing in it is kept, and it takes ten seconds to end by itself."""
        stop_group(self.process, grace_seconds=0)
