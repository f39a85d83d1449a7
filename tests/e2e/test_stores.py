"""Other implementations of S3 than the one the stack runs on."""

import contextlib
import json
import os
import subprocess

import pytest

from emulator import REGION, Emulator
from seaweed import Seaweed
from simulation import binary
from stack import ROOT


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory):
    """SeaweedFS, for as long as these tests run."""
    running = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield running
    running.stop()


@pytest.fixture(params=["ministack", "seaweedfs"])
def endpoint(request) -> str:
    """The address of an implementation of S3, with a bucket named `lake` in it."""
    server: Emulator | Seaweed = request.getfixturevalue("emulator" if request.param == "ministack" else "seaweed")
    client = server.client("s3") if isinstance(server, Emulator) else server.client()
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    return server.url


def variables(endpoint: str) -> dict[str, str]:
    """The environment of a program that speaks to it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **mine,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
    }


# SeaweedFS 4.48 lists `a/x` before `a-x`, whose bytes come first. No keys of a lake are so alike.
IMPLEMENTATIONS = [
    ("ministack", "another_implementation_keeps_the_contract"),
    ("seaweedfs", "another_implementation_that_lists_folder_by_folder_keeps_the_contract"),
]


@pytest.mark.parametrize(("endpoint", "test"), IMPLEMENTATIONS, indirect=["endpoint"])
def test_it_keeps_the_contract_of_a_store(endpoint, test):
    # The suite of crates/pipeline/src/store/contract.rs, races for one key included. The whole workspace, as everything else here is built.
    name = f"store::s3::tests::elsewhere::{test}"
    tested = subprocess.run(
        ["cargo", "test", "--locked", "--workspace", "--lib", "--", "--ignored", "--exact", name],
        cwd=ROOT, env=variables(endpoint), capture_output=True, text=True, check=False,
    )
    assert tested.returncode == 0 and "1 passed" in tested.stdout, tested.stdout + tested.stderr


def test_the_command_line_works_on_it_as_on_a_folder(endpoint, simulation, tmp_path):
    def trailback(*words: str) -> str:
        return subprocess.run(
            [binary("trailback"), *words], env=variables(endpoint), check=True, capture_output=True, text=True
        ).stdout

    def rows(lake: str) -> list[dict]:
        told = trailback("sessions", "--lake", lake, "--limit", "0", "--format", "json")
        return [json.loads(line) for line in told.splitlines()]

    for lake in ("s3://lake/command-line", str(tmp_path / "lake")):
        trailback("ingest", str(simulation.folder), "--lake", lake)
    assert rows("s3://lake/command-line") == rows(str(tmp_path / "lake"))
    assert simulation.lies(rows("s3://lake/command-line")) == {}
