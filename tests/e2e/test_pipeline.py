"""From CloudTrail's delivery to the published table, as AWS would carry it: real notifications, real queues, our binaries."""

import gzip
import json

import pytest

from conftest import SHORT
from emulator import wait_until
from simulation import binary
from stack import Stack, run

# A log object of the day after the simulated ones, with one issuance that is easily found again.
LATE_OBJECT = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/24/111122223333_CloudTrail_eu-central-1_20261124T0905Z_{}.json.gz"


def test_every_row_is_true(delivered, record_property):
    rows = delivered.catalog.rows("sessions")
    assert len(rows) == len(delivered.simulation.truths)
    assert delivered.simulation.lies(rows) == {}
    for part, seconds in delivered.times.items():
        record_property(part, f"{seconds:.1f} s")
    total = f"{sum(delivered.times.values()):.1f} s for {len(delivered.simulation.object_keys)} log objects"
    record_property("from upload to queryable", total)


def test_the_ledger_has_every_log_object_once(delivered):
    ledger = delivered.catalog.rows("log_objects")
    read = sorted(row["location"] for row in ledger)
    bucket = delivered.stack.trail_bucket
    assert read == sorted(f"s3://{bucket}/{key}" for key in delivered.simulation.object_keys)
    for row in ledger:
        is_log_object = "/CloudTrail/" in row["location"]
        assert row["outcome"] == ("extracted" if is_log_object else "skipped"), row
    assert sum(row["issuances"] or 0 for row in ledger) >= len(delivered.simulation.truths)


def test_the_rows_are_those_of_ingesting_the_same_folder(delivered, tmp_path):
    ingested = [binary("trailback"), "ingest", delivered.simulation.folder, "--lake", tmp_path / "lake"]
    run([str(word) for word in ingested], delivered.stack.emulator)
    listed = [binary("trailback"), "sessions", "--lake", tmp_path / "lake", "--limit", "0", "--format", "json"]
    told = run([str(word) for word in listed], delivered.stack.emulator)
    on_the_laptop = {row["event_id"]: row for row in map(json.loads, told.splitlines())}
    in_the_stack = {
        row["event_id"]: row for row in delivered.catalog.rows("sessions") if row["session_type"] != "Witness"
    }
    assert on_the_laptop.keys() == in_the_stack.keys()
    place = f"s3://{delivered.stack.trail_bucket}/"
    for event_id, row in in_the_stack.items():
        row["log_objects"] = [name.removeprefix(place) for name in row["log_objects"]]
        assert on_the_laptop[event_id] == row


def test_announcing_everything_again_changes_no_byte(delivered):
    before = delivered.catalog.data_objects("sessions")
    stack = delivered.stack
    delivered.simulation.upload(stack.emulator.client("s3"), stack.trail_bucket, delivered.simulation.object_keys[::3])
    wait_until("all notifications are done with", lambda: stack.messages("QueueUrl") == 0, 120)
    assert stack.messages("DeadLetterQueueUrl") == 0, "nothing was done with by giving it up"
    stack.link()
    assert delivered.catalog.data_objects("sessions") == before


def test_a_poison_object_ends_in_the_dead_letter_queue_and_a_redrive_takes_it_up_again(delivered):
    stack = delivered.stack
    s3 = stack.emulator.client("s3")
    key = LATE_OBJECT.format("Poison")
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=b"this is no gzip")
    good = LATE_OBJECT.format("Beside")
    s3.put_object(Bucket=stack.trail_bucket, Key=good, Body=log_object("beside-poison"))
    wait_until("the poison gives up", lambda: stack.messages("DeadLetterQueueUrl") == 1, 120, pause=1)
    stack.link()
    assert "beside-poison" in event_ids(delivered), "what stood beside the poison is there"

    # Somebody mends the object, and drives the message back: docs/OPERATIONS.md.
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=log_object("mended"))
    wait_until("the mended object is read", lambda: stack.messages("QueueUrl") == 0, 60)
    stack.redrive()
    wait_until("the redriven message is done with", lambda: stack.messages("QueueUrl") == 0, 60)
    stack.link()
    assert event_ids(delivered).count("mended") == 1
    # Two contents have lain there, and the ledger knows what became of each.
    rows = [row for row in delivered.catalog.rows("log_objects") if row["location"].endswith(key)]
    outcomes = {row["outcome"]: row["reason"] for row in rows}
    assert len(rows) == 2
    assert outcomes["extracted"] is None
    assert "is not JSON" in outcomes["failed"]


def test_a_deleted_object_is_acknowledged(delivered):
    stack = delivered.stack
    body = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": stack.trail_bucket}, "object": {"key": LATE_OBJECT.format("Deleted"), "size": 1},
    }}]}
    stack.emulator.client("sqs").send_message(QueueUrl=stack.outputs["QueueUrl"], MessageBody=json.dumps(body))
    wait_until("the message is done with", lambda: stack.messages("QueueUrl") == 0, 60)
    assert stack.messages("DeadLetterQueueUrl") == 0
    gone = [line["LogObjectsGone"] for line in stack.logged("ExtractFunction") if line.get("LogObjectsGone")]
    assert sum(gone) == 1


def test_metrics_balance(delivered):
    lines = [line for line in delivered.stack.logged("ExtractFunction") if "LogObjects" in line]
    assert lines

    def total(*names: str) -> int:
        return sum(line[name] for line in lines for name in names)

    assert total("LogObjects") == total(
        "LogObjectsExtracted", "LogObjectsSkipped", "LogObjectsGone", "LogObjectsFailed", "LogObjectsLeft"
    )
    assert total("Records") == total("Issuances", "Witnesses", "RecordsPassedOver", "RecordsUnreadable")


@pytest.mark.parametrize("source", ["eventbridge", "topic of the bucket", "topic of the trail"])
def test_other_sources_of_notifications_arrive_too(source, delivered):
    stack, emulator = delivered.stack, delivered.stack.emulator
    s3, sns = emulator.client("s3"), emulator.client("sns")
    topic = sns.create_topic(Name="of-others")["TopicArn"]
    word = source.replace(" ", "-")
    key, kind = LATE_OBJECT.format(word), source.split()[0]
    emptied(s3, stack.trail_bucket)
    Stack(
        emulator, stack.name, stack.trail_bucket, NOTIFY=kind, TOPIC=topic if kind == "topic" else "",
        CONFIGURE_BUCKET="yes", PARAMETERS=SHORT,
    )
    if source == "topic of the bucket":
        created = {"Id": "created", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=stack.trail_bucket, NotificationConfiguration={"TopicConfigurations": [created]}
        )
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=log_object(word))
    if source == "topic of the trail":
        notice = {"s3Bucket": stack.trail_bucket, "s3ObjectKey": [key]}
        sns.publish(TopicArn=topic, Message=json.dumps(notice))

    def is_there() -> bool:
        stack.link()
        return word in event_ids(delivered)

    wait_until("the session is published", is_there, 60, pause=2)


def test_the_roles_allow_all_that_the_functions_do(delivered):
    # The emulator enforces them; where an action is missing, messages come again or a run fails, and the log says so.
    lines = [line for name in ("ExtractFunction", "LinkFunction") for line in delivered.stack.logged(name)]
    complaints = [line for line in lines if line.get("level") == "ERROR"]
    assert [line for line in complaints if not line.get("log_object", "").endswith(LATE_OBJECT.format("Poison"))] == []
    assert complaints, "the poison object is complained about"


def emptied(s3, bucket: str) -> None:
    """Takes all notifications out of a bucket, so that a test sees one way only."""
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


def event_ids(delivered) -> list[str]:
    """The events of the published table."""
    return [row["event_id"] for row in delivered.catalog.rows("sessions")]


def log_object(event_id: str) -> bytes:
    """A log object with one GetSessionToken in it."""
    record = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/anna.berg", "userName": "anna.berg",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
        "eventTime": "2026-11-24T09:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "GetSessionToken",
        "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.24", "userAgent": "aws-cli/2.31.4",
        "requestParameters": {"durationSeconds": 3600},
        "responseElements": {"credentials": {
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "expiration": "Nov 24, 2026, 10:00:00 AM",
        }},
        "requestID": event_id, "eventID": event_id, "readOnly": True, "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": "111122223333", "eventCategory": "Management",
    }
    return gzip.compress(json.dumps({"Records": [record]}).encode(), mtime=0)
