"""`make deploy`, and what it makes."""

import json
import os
import subprocess

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
    # Another prefix: nothing of it is announced before the bucket is told.
    moved = make(emulator, "deploy", STACK="other", TRAIL_BUCKET="other-trail", BUILDER="host", TRAIL_PREFIX="AWSLogs/o-other/")
    assert command.replace("o-a1b2c3d4e5", "o-other") in moved
    make(emulator, "destroy", STACK="other")
    assert notifications(emulator, "other-trail") == {}
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert not [stack["StackName"] for stack in stacks if stack["StackName"].startswith("other")]


# Answers as AWS does of the stacks that the variable STACKS tells, and writes down what is deployed.
AWS = """#!/usr/bin/env python3
import json, os, re, sys
stacks, words = json.loads(os.environ["STACKS"]), sys.argv[1:]
if words[:2] == ["cloudformation", "describe-stacks"]:
    name = words[words.index("--stack-name") + 1]
    if name not in stacks and "--query" not in words:
        sys.exit(f"An error occurred (ValidationError): Stack with id {name} does not exist")
    wanted = re.search("Key=='([A-Za-z]+)'", " ".join(words))
    print(stacks.get(name, {}).get(wanted[1], "") if wanted else "")
elif words[:2] == ["cloudformation", "deploy"]:
    print("deployed", *words[words.index("--stack-name") + 1 :])
elif words[0] == "sts":
    print("111122223333")
"""
OTHER_LAKE = {"LakeBucket": "another-bucket", "LakeKmsKeyArn": "key-one"}
FIRST_LAKE = {"LakeBucket": "moved-lake-1", "KmsKeyArn": "key-one", "QueryResultsBucket": "results"}


def deploy_beside(tmp_path, stacks: dict[str, dict[str, str]], **variables: str) -> subprocess.CompletedProcess[str]:
    # Of the emulator only the package is needed that it was given.
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    settings = {"STACK": "moved", "TRAIL_BUCKET": "trail", "AWS_REGION": "us-east-1", "STACKS": json.dumps(stacks), **variables}
    environment = {**os.environ, **settings, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(["infra/deploy.sh"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("stacks", "variables", "told"),
    [
        # The stack moved-lake, of a first deployment, is still there; the lake is another now.
        ({"moved": OTHER_LAKE, "moved-lake": FIRST_LAKE}, {}, ["LakeKmsKeyArn=key-one"]),
        ({"moved": FIRST_LAKE, "moved-lake": FIRST_LAKE}, {}, ["deployed moved-lake", "LakeBucket=moved-lake-1"]),
        ({"moved": OTHER_LAKE}, {"LAKE_KMS_KEY": "key-two"}, ["the lake is encrypted with key-one"]),
        # After make destroy the first lake is gone on with, under its key.
        ({"moved-lake": FIRST_LAKE}, {}, ["deployed moved-lake", "KmsKeyArn=key-one", "LakeKmsKeyArn=key-one"]),
        ({"moved-lake": FIRST_LAKE}, {"LAKE_KMS_KEY": "key-two"}, ["the lake is encrypted with key-one"]),
        ({}, {"PARAMETERS": "LinkMemory=2048 LinkEvery=\"rate(2 minutes)"}, ["PARAMETERS cannot be read"]),
        ({}, {"LAKE": "own-lake/prefix"}, ["LAKE is own-lake/prefix; expected s3://bucket/prefix/"]),
        ({}, {"LAKE": "s3://"}, ["LAKE is s3://; expected"]),
    ],
)
def test_an_update_leaves_the_lake_where_it_is_and_under_its_key(stack, tmp_path, stacks, variables, told):
    done = deploy_beside(tmp_path, stacks, **variables)
    for words in told:
        assert words in done.stdout + done.stderr, done.stdout + done.stderr
    is_refused = not any("=" in words for words in told)
    assert (done.returncode != 0) == is_refused and is_refused == ("deployed" not in done.stdout), done.stdout
    if "moved" in stacks and stacks["moved"] is OTHER_LAKE:
        assert "LakeBucket=" not in done.stdout


def test_a_trail_that_moves_is_to_be_told_anew(stack, tmp_path):
    before = {**OTHER_LAKE, "Notify": "s3", "TrailBucket": "trail", "TrailPrefix": ""}
    assert "notify.sh" not in deploy_beside(tmp_path, {"moved": before}).stdout
    told = deploy_beside(tmp_path, {"moved": {**before, "TrailBucket": "old-trail"}}).stdout
    assert "infra/notify.sh add s3 trail moved" in told
    assert "infra/notify.sh remove s3 old-trail moved" in told


def test_adding_twice_is_adding_once(emulator):
    make_bucket(emulator, "quiet-trail")
    add = ["infra/notify.sh", "add", "eventbridge", "quiet-trail", "any"]
    assert "nothing to change" in run(["infra/notify.sh", "remove", "s3", "quiet-trail", "any"], emulator)
    assert "nothing to change" not in run(add, emulator)
    assert "nothing to change" in run(add, emulator)
