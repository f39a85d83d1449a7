"""What the tests share: one emulator, one deployed stack, one simulated organisation delivered to it."""

import json
import os
import time

import pytest

from catalog import Catalog
from emulator import REGION, Emulator, wait_until
from simulation import Simulation
from stack import Stack
from trino_server import Trino

STACK = "trailback"
TRAIL_BUCKET = "organisation-trail"
CALLS = 1_000

# Shorter than a user wants them, and than AWS takes them: a test need not wait for what AWS waits for.
SHORT = 'BatchWindowSeconds=1 QueueVisibilitySeconds=10 LinkEvery="rate(1 minute)"'


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """ministack, for as long as the suite runs."""
    running = Emulator(tmp_path_factory.mktemp("ministack"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def trino_server(emulator, tmp_path_factory):
    """Trino, for as long as the suite runs."""
    running = Trino(tmp_path_factory.mktemp("trino"), emulator)
    yield running
    running.stop()


def make_bucket(emulator: Emulator, name: str) -> None:
    """Makes a bucket in the suite's region."""
    emulator.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def notifications(emulator: Emulator, bucket: str) -> dict:
    """The notification configuration of a bucket."""
    answer = emulator.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    del answer["ResponseMetadata"]
    return {kind: configured for kind, configured in answer.items() if configured or kind == "EventBridgeConfiguration"}


@pytest.fixture(scope="session")
def trail_bucket(emulator):
    """A bucket as CloudTrail delivers to it, which already notifies others."""
    make_bucket(emulator, TRAIL_BUCKET)
    queue, topic = destinations_of_others(emulator)
    digests = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/111122223333/CloudTrail-Digest/"}]}}
    emulator.client("s3").put_bucket_notification_configuration(
        Bucket=TRAIL_BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"Id": "theirs", "QueueArn": queue, "Events": ["s3:ObjectRemoved:*"], "Filter": digests}
            ],
            "TopicConfigurations": [{"Id": "also-theirs", "TopicArn": topic, "Events": ["s3:ObjectRestore:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    return TRAIL_BUCKET


def destinations_of_others(emulator: Emulator) -> tuple[str, str]:
    """A queue and a topic that take what S3 sends."""
    sqs, sns = emulator.client("sqs"), emulator.client("sns")
    queue = sqs.create_queue(QueueName="of-others")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic_arn = sns.create_topic(Name="of-others")["TopicArn"]

    def from_s3(action: str, arn: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": action, "Resource": arn}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": from_s3("sqs:SendMessage", queue_arn)})
    sns.set_topic_attributes(
        TopicArn=topic_arn, AttributeName="Policy", AttributeValue=from_s3("sns:Publish", topic_arn)
    )
    return queue_arn, topic_arn


@pytest.fixture(scope="session")
def notifications_of_others(emulator, trail_bucket):
    """What was configured before Trailback came: `stack` is made after it."""
    return notifications(emulator, trail_bucket)


@pytest.fixture(scope="session")
def stack(emulator, trail_bucket, notifications_of_others):
    """Trailback, deployed with the command of the README."""
    return Stack(
        emulator, STACK, trail_bucket, NOTIFY="s3", CONFIGURE_BUCKET="yes", PARAMETERS=SHORT
    )


@pytest.fixture(scope="session")
def simulation(tmp_path_factory):
    """An organisation's log objects, with their truth."""
    return Simulation(tmp_path_factory.mktemp("organisation"), seed=7, calls=CALLS)


class Delivered:
    """The organisation in the stack, published by it, and how long that took."""

    def __init__(self, stack: Stack, simulation: Simulation):
        self.stack, self.simulation = stack, simulation
        self.catalog = Catalog(stack.emulator, stack.outputs["DatabaseName"])
        begun = time.monotonic()
        simulation.upload(stack.emulator.client("s3"), stack.trail_bucket)
        uploaded = time.monotonic()
        wait_until("all notifications are done with", lambda: stack.messages("QueueUrl") == 0, 120)
        extracted = time.monotonic()
        # By its schedule: nobody calls it here.
        wait_until("link publishes both tables", self._is_published, 150, pause=1)
        published = time.monotonic()
        self.times = {
            "upload": uploaded - begun,
            "notification, queue, batch window and extract": extracted - uploaded,
            "waiting for the schedule, and link": published - extracted,
        }

    def event_ids(self) -> list[str]:
        """The events of the published table."""
        return [row["event_id"] for row in self.catalog.rows("sessions")]

    def _is_published(self) -> bool:
        # One after the other: link publishes the ledger when it is done with the sessions.
        expected = {"sessions": self.simulation.truths, "log_objects": self.simulation.object_keys}
        return all(len(self.catalog.rows(table)) >= len(rows) for table, rows in expected.items())


@pytest.fixture(scope="session")
def delivered(stack, simulation):
    """The organisation, delivered and published."""
    return Delivered(stack, simulation)


def pytest_configure(config):
    """The query engines share nothing with the deployed functions: `make engines` asks them beside `make e2e`."""
    config.addinivalue_line("markers", "engines: asks a query engine")


def pytest_terminal_summary(terminalreporter):
    """Prints the figures that tests took: see `record_property`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
    terminalreporter.write_line(f"functions built with profile {os.environ.get('PROFILE', 'dev')}, {os.cpu_count()} cores")


def pytest_collection_modifyitems(items):
    """What removes the shared stack, what takes its notifications away, and what asks what all tests together did, come last."""
    last = ["test_removal.py", "test_sources.py", "test_permissions.py"]
    items.sort(key=lambda item: last.index(item.path.name) if item.path.name in last else -1)
