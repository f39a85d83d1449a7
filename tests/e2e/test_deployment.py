"""`make deploy`, and what it makes."""

import json

import cfnlint.decode
import pytest

from conftest import make_bucket, notifications
from stack import ROOT, Stack, make, run


def test_deploying_again_changes_nothing(stack):
    again = make(
        stack.emulator,
        "deploy",
        STACK=stack.name,
        TRAIL_BUCKET=stack.trail_bucket,
        BUILDER="host",
        NOTIFY="s3",
        CONFIGURE_BUCKET="yes",
    )
    assert again.count("No changes to deploy") == 2, again
    assert "nothing to change" in again


def test_the_queue_keeps_the_figures_that_lambda_asks_for(stack):
    # AWS Lambda developer guide, "Using Lambda with Amazon SQS": six times the timeout plus the window, and five tries.
    template, _ = cfnlint.decode.decode(str(ROOT / "infra/trailback.yaml"))
    default = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    assert default["QueueVisibilitySeconds"] >= 6 * default["ExtractTimeoutSeconds"] + default["BatchWindowSeconds"]
    queue = stack.emulator.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["QueueUrl"], AttributeNames=["All"])
    assert json.loads(queue["Attributes"]["RedrivePolicy"])["maxReceiveCount"] >= 5
    # Amazon S3 user guide, "Event message structure": up to 64 KB.
    assert int(queue["Attributes"]["MaximumMessageSize"]) >= 64 * 1024
    functions = stack.emulator.client("lambda")
    mappings = functions.list_event_source_mappings(FunctionName=stack.outputs["ExtractFunction"])
    [mapping] = mappings["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_nothing_expires_in_the_lake_and_only_its_owner_reaches_it(stack):
    # ministack makes buckets without their lifecycle: that one is read in the template.
    template, _ = cfnlint.decode.decode(str(ROOT / "infra/lake.yaml"))
    for rule in template["Resources"]["Lake"]["Properties"]["LifecycleConfiguration"]["Rules"]:
        of_current_objects = {"ExpirationInDays", "ExpirationDate", "Transition", "Transitions"}
        assert not of_current_objects & rule.keys(), rule
    s3 = stack.emulator.client("s3")
    bucket, _ = stack.lake
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    for policy in ("LakePolicy", "QueryResultsPolicy"):
        [statement] = template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_notifications_of_others_survive(stack, notifications_of_others):
    now = notifications(stack.emulator, stack.trail_bucket)
    [ours] = [queue for queue in now["QueueConfigurations"] if queue["Id"] == f"trailback-{stack.name}"]
    assert ours["QueueArn"] == stack.outputs["QueueArn"]
    assert ours["Filter"]["Key"]["FilterRules"] == [{"Name": "suffix", "Value": ".json.gz"}]
    now["QueueConfigurations"].remove(ours)
    assert now == notifications_of_others


def test_a_trail_bucket_stays_as_it_was_unless_asked_and_a_bucket_of_ones_own_holds_the_lake(emulator):
    make_bucket(emulator, "other-trail")
    make_bucket(emulator, "own-lake")
    other = Stack(
        emulator,
        "other",
        "other-trail",
        NOTIFY="s3",
        TRAIL_PREFIX="AWSLogs/o-a1b2c3d4e5/",
        LAKE="s3://own-lake/security/trailback",
        PARAMETERS="DatabaseName=other",
    )
    assert notifications(emulator, "other-trail") == {}
    command = f"infra/notify.sh add s3 other-trail other {other.outputs['QueueArn']} AWSLogs/o-a1b2c3d4e5/"
    assert command in other.told
    assert other.lake == ("own-lake", "security/trailback/")
    # An update that does not name the lake again keeps it.
    make(emulator, "deploy", STACK="other", TRAIL_BUCKET="other-trail", BUILDER="host")
    assert other.lake == ("own-lake", "security/trailback/")
    # The same command, with the rights of the bucket's owner.
    run(command.split(), emulator)
    [ours] = notifications(emulator, "other-trail")["QueueConfigurations"]
    assert ours["Filter"]["Key"]["FilterRules"][0] == {"Name": "prefix", "Value": "AWSLogs/o-a1b2c3d4e5/"}
    # Neither must be named again for it, and a prefix that is not named does not become the whole bucket.
    again = make(emulator, "deploy", STACK="other", TRAIL_BUCKET="other-trail", BUILDER="host", CONFIGURE_BUCKET="yes")
    assert "nothing to change" in again
    make(emulator, "destroy", STACK="other")
    assert notifications(emulator, "other-trail") == {}
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert not [stack["StackName"] for stack in stacks if stack["StackName"].startswith("other")]


def test_an_update_leaves_the_lake_where_it_is_and_under_its_key(emulator):
    make_bucket(emulator, "moved-trail")
    make_bucket(emulator, "another-bucket")
    key, other = (f"arn:aws:kms:us-east-1:000000000000:key/{name}" for name in ("one", "two"))
    deploy = {"STACK": "moved", "TRAIL_BUCKET": "moved-trail", "BUILDER": "host"}
    moved = Stack(emulator, "moved", "moved-trail", PARAMETERS="DatabaseName=moved")
    assert moved.lake[0] != "another-bucket"
    make(emulator, "deploy", **deploy, LAKE="s3://another-bucket/x/", LAKE_KMS_KEY=key)
    assert moved.lake == ("another-bucket", "x/")
    # The stack moved-lake, of the first deployment, is still there.
    make(emulator, "deploy", **deploy)
    assert moved.lake == ("another-bucket", "x/")
    with pytest.raises(AssertionError, match=f"the lake is encrypted with {key}"):
        make(emulator, "deploy", **deploy, LAKE_KMS_KEY=other)
    with pytest.raises(AssertionError, match="PARAMETERS cannot be read"):
        make(emulator, "deploy", **deploy, PARAMETERS="LinkMemory=2048 LinkEvery=\"rate(2 minutes)")
    make(emulator, "destroy", STACK="moved")
    # The first lake is gone on with, under the key that it is given now, from then on.
    make(emulator, "deploy", **deploy, LAKE_KMS_KEY=other, PARAMETERS="DatabaseName=moved")
    make(emulator, "destroy", STACK="moved")
    make(emulator, "deploy", **deploy, PARAMETERS="DatabaseName=moved")
    described = emulator.client("cloudformation").describe_stacks(StackName="moved")["Stacks"][0]
    assert {"ParameterKey": "LakeKmsKeyArn", "ParameterValue": other} in described["Parameters"]
    make(emulator, "destroy", STACK="moved")


def test_adding_twice_is_adding_once(emulator):
    make_bucket(emulator, "quiet-trail")
    add = ["infra/notify.sh", "add", "eventbridge", "quiet-trail", "any"]
    assert "nothing to change" in run(["infra/notify.sh", "remove", "s3", "quiet-trail", "any"], emulator)
    assert "nothing to change" not in run(add, emulator)
    assert "nothing to change" in run(add, emulator)
