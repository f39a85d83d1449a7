"""A simulated organisation: its log objects and the truth about them (tests/simulator)."""

import collections
import gzip
import json
import os
import pathlib
import subprocess

from stack import ROOT

# The day after the simulated ones.
LATE_DAY = "2026-11-24"


def binary(name: str) -> pathlib.Path:
    """A program of this workspace, built by run.sh."""
    profile = os.environ.get("PROFILE", "dev")
    return ROOT / "target" / ("debug" if profile == "dev" else profile) / name


class Simulation:
    """Log objects in a folder, and what a perfect auditor says of them."""

    def __init__(self, folder: pathlib.Path, seed: int, calls: int, *options: str):
        self.folder = folder / "logs"
        truth, uses = folder / "truth.jsonl", folder / "uses.jsonl"
        subprocess.run(
            [
                binary("trailback-simulate"),
                *("--preset", "small", "--seed", str(seed), "--calls", str(calls)),
                *("--out", self.folder, "--truth", truth, "--uses", uses),
                *options,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.truths = [json.loads(line) for line in truth.read_text().splitlines()]
        self.uses = [json.loads(line) for line in uses.read_text().splitlines()]
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


def late_object_key(unique: str) -> str:
    """The key of a log object of the day after the simulated ones."""
    folder = f"AWSLogs/111122223333/CloudTrail/eu-central-1/{LATE_DAY.replace('-', '/')}"
    return f"{folder}/111122223333_CloudTrail_eu-central-1_{LATE_DAY.replace('-', '')}T0905Z_{unique}.json.gz"


def late_log_object(event_id: str) -> bytes:
    """A log object of that day with one GetSessionToken in it, found again by its event ID."""
    record = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/anna.berg", "userName": "anna.berg",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
        "eventTime": f"{LATE_DAY}T09:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "GetSessionToken",
        "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.24", "userAgent": "aws-cli/2.31.4",
        "requestParameters": {"durationSeconds": 3600},
        "responseElements": {"credentials": {
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "expiration": "Nov 24, 2026, 10:00:00 AM",
        }},
        "requestID": event_id, "eventID": event_id, "readOnly": True, "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": "111122223333", "eventCategory": "Management",
    }
    return gzip.compress(json.dumps({"Records": [record]}).encode(), mtime=0)
