"""Trailback as a user deploys it, into the emulator."""

import json
import pathlib
import subprocess

from emulator import Emulator

ROOT = pathlib.Path(__file__).parents[2]


def run(command: list[str], emulator: Emulator, **variables: str) -> str:
    """Runs a command of the repository as a user would, and returns what it printed; fails with that when it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**emulator.environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def make(emulator: Emulator, target: str, **variables: str) -> str:
    """`make TARGET NAME=value …`, the command that the README tells users to type."""
    return run(["make", target, *(f"{name}={value}" for name, value in variables.items())], emulator)


class Stack:
    """A deployed stack."""

    def __init__(self, emulator: Emulator, name: str, trail_bucket: str, **variables: str):
        self.emulator = emulator
        self.name = name
        self.trail_bucket = trail_bucket
        self.told = make(emulator, "deploy", STACK=name, TRAIL_BUCKET=trail_bucket, BUILDER="host", **variables)

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack tells of itself."""
        stacks = self.emulator.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    @property
    def lake(self) -> tuple[str, str]:
        """Bucket and prefix of the lake."""
        bucket, _, prefix = self.outputs["Lake"].removeprefix("s3://").partition("/")
        return bucket, prefix

    def messages(self, queue: str) -> int:
        """How many messages a queue holds, seen and unseen: `QueueUrl` or `DeadLetterQueueUrl`."""
        attributes = self.emulator.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(value) for value in attributes.values())

    def redrive(self) -> None:
        """Moves dead letters back to their queue, as `aws sqs start-message-move-task` does, which ministack lacks."""
        sqs = self.emulator.client("sqs")
        dead, queue = self.outputs["DeadLetterQueueUrl"], self.outputs["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])

    def link(self) -> None:
        """Runs link as its schedule does, and fails when it fails."""
        answer = self.emulator.client("lambda").invoke(FunctionName=self.outputs["LinkFunction"], Payload=b"{}")
        said = answer["Payload"].read()
        assert "FunctionError" not in answer, said.decode()

    def logged(self, function: str) -> list[dict]:
        """The JSON lines that a function logged, oldest first."""
        logs = self.emulator.client("logs")
        lines, since = {}, 0
        # ministack gives 10,000 at most, and no token to go on with.
        while found := logs.filter_log_events(logGroupName=f"/aws/lambda/{self.outputs[function]}", startTime=since)["events"]:
            lines |= {(event["timestamp"], event["message"].strip()): None for event in found}
            if len(found) < 10_000 or found[-1]["timestamp"] == since:
                break
            since = found[-1]["timestamp"]
        return [json.loads(line) for _, line in lines if line.startswith("{")]
