"""The other ways in which a user's account may tell of new log objects. Runs last: it takes the bucket's own notifications away (conftest.py)."""

import json

import pytest

from conftest import SHORT
from emulator import wait_until
from simulation import late_log_object, late_object_key
from stack import Stack


@pytest.mark.parametrize("source", ["eventbridge", "topic of the bucket", "topic of the trail"])
def test_other_sources_of_notifications_arrive_too(source, delivered):
    stack, emulator = delivered.stack, delivered.stack.emulator
    s3, sns = emulator.client("s3"), emulator.client("sns")
    topic = sns.create_topic(Name="of-others")["TopicArn"]
    word = source.replace(" ", "-")
    key, kind = late_object_key(word), source.split()[0]
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
    s3.put_object(Bucket=stack.trail_bucket, Key=key, Body=late_log_object(word))
    if source == "topic of the trail":
        notice = {"s3Bucket": stack.trail_bucket, "s3ObjectKey": [key]}
        sns.publish(TopicArn=topic, Message=json.dumps(notice))

    def is_there() -> bool:
        stack.link()
        return word in delivered.event_ids()

    wait_until("the session is published", is_there, 60, pause=2)


def emptied(s3, bucket: str) -> None:
    """Takes all notifications out of a bucket, so that a test sees one way only."""
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
