"""A simulated organisation: its log objects and the truth about them (tests/simulator)."""

import collections
import json
import os
import pathlib
import subprocess

from stack import ROOT


def binary(name: str) -> pathlib.Path:
    """A program of this workspace, built by run.sh."""
    profile = os.environ.get("PROFILE", "dev")
    return ROOT / "target" / ("debug" if profile == "dev" else profile) / name


class Simulation:
    """Log objects in a folder, and what a perfect auditor says of them."""

    def __init__(self, folder: pathlib.Path, seed: int, calls: int):
        self.folder = folder / "logs"
        truth = folder / "truth.jsonl"
        subprocess.run(
            [
                binary("trailback-simulate"),
                *("--preset", "small", "--seed", str(seed), "--calls", str(calls)),
                *("--out", self.folder, "--truth", truth),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.truths = [json.loads(line) for line in truth.read_text().splitlines()]
        self.object_keys = sorted(
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.json.gz")
        )

    def upload(self, s3, bucket: str, keys: list[str] | None = None) -> None:
        """Delivers log objects, as CloudTrail does."""
        for key in self.object_keys if keys is None else keys:
            s3.put_object(Bucket=bucket, Key=key, Body=(self.folder / key).read_bytes())

    def lies(self, rows: list[dict]) -> dict[tuple[str, str], tuple[int, str]]:
        """What rows of `sessions` say against the truth: how often by scenario and column, and an example."""
        by_id = {row["event_id"]: row for row in rows}
        found = collections.defaultdict(lambda: (0, ""))
        for truth in self.truths:
            row = by_id.get(truth["event_id"], {})
            for column, known in truth.items():
                said = row.get(column)
                if is_told(truth, column) and said != (None if known in ([], {}) else known):
                    often, _ = found[truth["scenario"], column]
                    found[truth["scenario"], column] = (often + 1, f"{truth['event_id']}: {said!r}, not {known!r}")
        return dict(found)


def is_told(truth: dict, column: str) -> bool:
    """What a console session or a witness is called by is held by the tests of each family of calls; witnesses are no sessions."""
    if column == "scenario" or truth["session_type"] == "Witness":
        return False
    return truth["session_type"].startswith("Assumed") or column not in ("session_arn", "session_name", "role_arn")
