"""From CloudTrail's delivery to the published table, as AWS would carry it: real notifications, real queues, our binaries."""

import json
import time

from emulator import wait_until
from simulation import LATE_DAY, binary, late_log_object, late_object_key
from stack import run


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
        # Else it would be filed under a day that queries do not see.
        assert row["delivered_at"] is not None, row
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


def test_one_log_object_is_read_at_once_and_queryable_after_the_next_run_of_link(delivered, record_property):
    stack, s3 = delivered.stack, delivered.stack.emulator.client("s3")
    bucket, prefix = stack.lake

    def fragments() -> int:
        return s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}sessions/fragments/dt={LATE_DAY}/")["KeyCount"]

    before, begun = fragments(), time.monotonic()
    s3.put_object(Bucket=stack.trail_bucket, Key=late_object_key("Alone"), Body=late_log_object("alone"))
    wait_until("its fragment is there", lambda: fragments() > before, 60, pause=0.02)
    extracted = time.monotonic()
    stack.link()
    linked = time.monotonic()
    assert "alone" in delivered.event_ids()
    record_property("one log object: upload, notification, queue and extract", f"{extracted - begun:.2f} s")
    record_property("one log object: link, called at once", f"{linked - extracted:.2f} s")


def test_a_poison_object_ends_in_the_dead_letter_queue_and_a_redrive_takes_it_up_again(delivered):
    stack = delivered.stack
    s3 = stack.emulator.client("s3")
    key = late_object_key("Poison")
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=b"this is no gzip")
    good = late_object_key("Beside")
    s3.put_object(Bucket=stack.trail_bucket, Key=good, Body=late_log_object("beside-poison"))
    wait_until("the poison gives up", lambda: stack.messages("DeadLetterQueueUrl") == 1, 120, pause=1)
    stack.link()
    assert "beside-poison" in delivered.event_ids(), "what stood beside the poison is there"

    # Somebody mends the object, and drives the message back: docs/OPERATIONS.md.
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=late_log_object("mended"))
    wait_until("the mended object is read", lambda: stack.messages("QueueUrl") == 0, 60)
    stack.redrive()
    wait_until("the redriven message is done with", lambda: stack.messages("QueueUrl") == 0, 60)
    stack.link()
    assert delivered.event_ids().count("mended") == 1
    # Two contents have lain there, and the ledger knows what became of each.
    rows = [row for row in delivered.catalog.rows("log_objects") if row["location"].endswith(key)]
    outcomes = {row["outcome"]: row["reason"] for row in rows}
    assert len(rows) == 2
    assert outcomes["extracted"] is None
    assert "is not JSON" in outcomes["failed"]


def test_a_deleted_object_is_acknowledged(delivered):
    stack = delivered.stack
    body = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": stack.trail_bucket}, "object": {"key": late_object_key("Deleted"), "size": 1},
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


def test_the_roles_allow_all_that_the_functions_do(delivered):
    # The emulator enforces them; where an action is missing, messages come again or a run fails, and the log says so.
    lines = [line for name in ("ExtractFunction", "LinkFunction") for line in delivered.stack.logged(name)]
    assert lines
    errors = [line for line in lines if line.get("level") == "ERROR"]
    assert [line for line in errors if not line.get("log_object", "").endswith(late_object_key("Poison"))] == []
