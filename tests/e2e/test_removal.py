"""`make destroy`. Runs late: it removes what the other tests share (conftest.py), and makes it anew."""

from conftest import notifications
from stack import Stack, make


def test_the_lake_and_the_notifications_of_others_outlive_the_stack(stack, delivered, notifications_of_others):
    bucket, _ = stack.lake
    kept = delivered.catalog.data_objects("sessions")
    told = make(stack.emulator, "destroy", STACK=stack.name)
    assert "is gone; what it had collected is not" in told
    assert notifications(stack.emulator, stack.trail_bucket) == notifications_of_others
    again = Stack(stack.emulator, stack.name, stack.trail_bucket)
    assert again.lake == (bucket, "")
    assert delivered.catalog.data_objects("sessions") == kept
