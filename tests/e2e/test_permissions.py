"""Whether the functions need what their roles may do. Runs last of all, when they have done everything that the suite has them do (conftest.py);
`make e2e TESTS='-k "pipeline or permissions"'` is enough of it."""

import pytest

from emulator import wait_until
from permissions import ROLES, Permission, asked, granted, statements
from simulation import LATE_DAY, late_log_object, late_object_key

POLLING = "Lambda's poller asks in the role of the function; the emulator's takes messages without asking"
LOGGING = "Lambda writes what a function prints, in its role; the emulator keeps it without asking"
KMS = "S3 asks, where a key encrypts the trail or the lake; the emulator encrypts nothing"
GONE = "nobody calls it: S3 looks for it to answer that an object is gone, where it would else say forbidden"

# Granted, and asked for by nothing in a run of the suite: each with what asks for it on AWS.
NOT_ASKED = {
    Permission("ExtractRole", "TakeNotifications", "sqs:ReceiveMessage", "QueueArn"): POLLING,
    Permission("ExtractRole", "TakeNotifications", "sqs:DeleteMessage", "QueueArn"): POLLING,
    Permission("ExtractRole", "TakeNotifications", "sqs:GetQueueAttributes", "QueueArn"): POLLING,
    Permission("ExtractRole", "WriteLogs", "logs:CreateLogStream", "ExtractLog.Arn"): LOGGING,
    Permission("ExtractRole", "WriteLogs", "logs:PutLogEvents", "ExtractLog.Arn"): LOGGING,
    Permission("ExtractRole", "DecryptLogObjects", "kms:Decrypt", "TrailKmsKeyArn"): KMS,
    Permission("ExtractRole", "EncryptTheLake", "kms:Decrypt", "LakeKmsKeyArn"): KMS,
    Permission("ExtractRole", "EncryptTheLake", "kms:GenerateDataKey", "LakeKmsKeyArn"): KMS,
    Permission("ExtractRole", "TellGoneFromForbidden", "s3:ListBucket", "${TrailBucket}"): GONE,
    Permission("ExtractRole", "ReadLogObjects", "s3:GetObjectVersion", "${TrailBucket}/${TrailPrefix}*"):
        "a notification of a bucket with versions names the version, and the bucket here has none",
    Permission("LinkRole", "WriteLogs", "logs:CreateLogStream", "LinkLog.Arn"): LOGGING,
    Permission("LinkRole", "WriteLogs", "logs:PutLogEvents", "LinkLog.Arn"): LOGGING,
    Permission("LinkRole", "EncryptTheLake", "kms:Decrypt", "LakeKmsKeyArn"): KMS,
    Permission("LinkRole", "EncryptTheLake", "kms:GenerateDataKey", "LakeKmsKeyArn"): KMS,
    Permission("LinkScheduleRole", "RunLink", "lambda:InvokeFunction", "Link.Arn"):
        "EventBridge Scheduler asks in this role; the emulator's runs the function without asking",
}  # fmt: skip

# Asked for by the function that meets the lake first, which looks whether it is empty and marks it: by either, as it happens.
BY_THE_FIRST = {
    Permission("ExtractRole", "TellGoneFromForbidden", "s3:ListBucket", "${LakeBucket}"),
    *(
        Permission(role, statement, "s3:PutObject", f"${{LakeBucket}}/${{LakePrefix}}{name}")
        for role, statement in (("ExtractRole", "KeepFragments"), ("LinkRole", "BuildTheTables"))
        for name in ("trailback-lake.json", "trailback-stack.json")
    ),
}

# Without one of these a permission is not asked for.
HAVE_THEM_DO_EVERYTHING = {
    "test_announcing_everything_again_changes_no_byte",
    "test_a_day_whose_fragments_were_removed_leaves_the_table",
}


def test_what_nobody_asks_for_is_granted_and_has_a_reason():
    assert NOT_ASKED.keys() | BY_THE_FIRST <= granted()
    assert all(len(reason) > 20 for reason in NOT_ASKED.values())


def test_every_statement_says_what_it_is_for():
    for role in ROLES:
        names = [statement.get("Sid") for statement in statements(role)]
        assert all(names), role
        assert len(set(names)) == len(names), role


def test_a_day_whose_fragments_were_removed_leaves_the_table(delivered):
    # The one thing that link deletes without being a day old or two.
    stack, s3 = delivered.stack, delivered.stack.emulator.client("s3")
    s3.put_object(Bucket=stack.trail_bucket, Key=late_object_key("Removed"), Body=late_log_object("removed"))
    wait_until("all notifications are done with", lambda: stack.messages("QueueUrl") == 0, 60)
    bucket, prefix = stack.lake

    def keys(table: str, kind: str) -> list[str]:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}{table}/{kind}/dt={LATE_DAY}/")
        return [one["Key"] for one in listed.get("Contents", [])]

    def manifests() -> list[str]:
        return [key for table in ("sessions", "log_objects") for key in keys(table, "table")]

    def has_both() -> bool:
        stack.link()
        return len(manifests()) >= 2

    wait_until("the day is published", has_both, 60, pause=2)
    for table in ("sessions", "log_objects"):
        for key in keys(table, "fragments"):
            s3.delete_object(Bucket=bucket, Key=key)
    stack.link()
    assert manifests() == []


def test_what_the_functions_ask_for_is_granted_and_all_else_is_listed(emulator, request):
    run = {item.name for item in request.session.items}
    if not HAVE_THEM_DO_EVERYTHING <= run:
        pytest.skip("not all that the functions can do is asked of them by this part of the suite")
    got, refused = asked(emulator.roles_ask)
    assert refused == []
    assert granted() - got - BY_THE_FIRST == NOT_ASKED.keys()
    assert {(one.action, one.resource) for one in got} >= {(one.action, one.resource) for one in BY_THE_FIRST}
