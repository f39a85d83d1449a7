"""ministack 1.5.33 with two faults of it mended and two lacks made up for: started in place of its own command, until a release does without.
It also writes down what roles ask for (permissions.py)."""

import functools
import json
import os
import pathlib
from dataclasses import replace

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import athena, glue, lambda_svc
from ministack.services.cloudformation import _stacks, provisioners


def keep_attributes_of_what_stays(update):
    """An update of a nested stack forgets the attributes of a resource that it leaves alone, and then fails at every !GetAtt of it."""

    def mended(resource_type, physical_id, old, new, stack_name, logical_id=None, old_attrs=None):
        if old_attrs is None:
            resources = _stacks.get(stack_name, {}).get("_resources", {})
            old_attrs = resources.get(logical_id, {}).get("Attributes")
        return update(resource_type, physical_id, old, new, stack_name, logical_id, old_attrs)

    return mended


def take_concurrency_as_a_number(concurrency):
    """The parameters of a nested stack are text, which the poller of queues compares with a number."""

    def mended(mapping, *others):
        scaling = {name: int(value) for name, value in (mapping.get("ScalingConfig") or {}).items()}
        return concurrency({**mapping, "ScalingConfig": scaling}, *others)

    return mended


# AWS Glue tells these members of a table or partition though nobody gave them: Trino relies on it.
ALWAYS_TOLD = {"Columns": [], "Compressed": False, "NumberOfBuckets": 0, "StoredAsSubDirectories": False}


def stored_as_glue_does(described: dict) -> dict:
    """A table or partition as somebody describes it, with what is always told."""
    return {**described, "StorageDescriptor": {**ALWAYS_TOLD, **described.get("StorageDescriptor", {})}}


def tell_of_tables_as_glue_does(create):
    """Nor does it tell a description where there is none."""

    def mended(data):
        table = stored_as_glue_does(data["TableInput"])
        answer = create({**data, "TableInput": table})
        created = glue._tables[f"{data['DatabaseName']}/{table['Name']}"]
        if not created["Description"]:
            del created["Description"]
        return answer

    return mended


def keep_tables_as_glue_does(update):
    """Trino updates a table that it has made."""
    return lambda data: update({**data, "TableInput": stored_as_glue_does(data["TableInput"])})


def keep_partitions_as_glue_does(create):
    """And makes partitions as it writes."""
    return lambda data: create({**data, "PartitionInputList": list(map(stored_as_glue_does, data["PartitionInputList"]))})


def named_query(_logical_id, properties, _stack_name):
    """AWS::Athena::NamedQuery, which ministack's Athena knows and its CloudFormation does not."""
    _status, _headers, body = athena._create_named_query(properties)
    return json.loads(body)["NamedQueryId"], {}


def prepared_statement(_logical_id, properties, _stack_name):
    """AWS::Athena::PreparedStatement, likewise."""
    status, _headers, body = athena._create_prepared_statement(properties)
    if status >= 400:
        raise ValueError(f"AWS::Athena::PreparedStatement: {body!r}")
    return properties["StatementName"], {}


def remove_named_query(physical_id, _properties):
    """Deletes what `named_query` made."""
    athena._delete_named_query({"NamedQueryId": physical_id})


def remove_prepared_statement(physical_id, properties):
    """Deletes what `prepared_statement` made."""
    athena._delete_prepared_statement({"StatementName": physical_id, "WorkGroup": properties["WorkGroup"]})


def kept_in_a_workgroup(create, delete):
    """The handlers of a type of resource that an update makes anew."""

    def update(physical_id, old, new, stack_name, logical_id=None):
        delete(physical_id, old)
        return create(logical_id, new, stack_name)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def pin_as_if_by_tls(pin, source_ip, _secure_transport):
    """Every request came by TLS."""
    pin(source_ip, True)


class WhatRolesAsk:
    """Writes down each kind of request of a role once: which statements allow it, by which of their resources; or that it was refused."""

    def __init__(self, lines: pathlib.Path):
        self.lines, self.written = lines, set()

    def evaluated(self, evaluate):
        """In place of the emulator's look into policies, whether a role's or a resource's."""

        def mended(context, policies, *limits):
            if context.principal_type == "AssumedRole":
                for statement in (statement for statements in policies for statement in statements):
                    for number, resource in enumerate(statement.resources):
                        if iam_evaluator._first_match(context, [replace(statement, resources=[resource])], "Allow"):
                            self._write(context.principal_arn, context.action, grant=[statement.sid, number])
            return evaluate(context, policies, *limits)

        return mended

    def enforced(self, enforce):
        """In place of the emulator's decision."""

        def mended(access_key_id, action, service, region, resource_arn="*", service_context=None):
            refused = enforce(access_key_id, action, service, region, resource_arn, service_context)
            # Not what the policy of a bucket denies although the role allows it.
            if getattr(refused, "decision", "") == "ImplicitDeny" and ":assumed-role/" in refused.principal_arn:
                self._write(refused.principal_arn, action, refused=resource_arn)
            return refused

        return mended

    def _write(self, principal: str, action: str, **more):
        line = json.dumps({"role": principal.split("/")[1], "action": action, **more})
        if line not in self.written:
            self.written.add(line)
            with self.lines.open("a") as lines:
                lines.write(f"{line}\n")


if __name__ == "__main__":
    asked = WhatRolesAsk(pathlib.Path(os.environ["ROLES_ASK"]))
    iam_evaluator.evaluate, iam_evaluator.enforce = asked.evaluated(iam_evaluator.evaluate), asked.enforced(iam_evaluator.enforce)
    glue._create_table = tell_of_tables_as_glue_does(glue._create_table)
    glue._update_table = keep_tables_as_glue_does(glue._update_table)
    glue._batch_create_partition = keep_partitions_as_glue_does(glue._batch_create_partition)
    provisioners._RESOURCE_HANDLERS["AWS::Athena::NamedQuery"] = kept_in_a_workgroup(named_query, remove_named_query)
    provisioners._RESOURCE_HANDLERS["AWS::Athena::PreparedStatement"] = kept_in_a_workgroup(
        prepared_statement, remove_prepared_statement
    )
    provisioners._update_resource = keep_attributes_of_what_stays(provisioners._update_resource)
    lambda_svc._sqs_esm_concurrency = take_concurrency_as_a_number(lambda_svc._sqs_esm_concurrency)
    # As if TLS ended in front of it: the lake's policy demands it.
    app.pin_request_origin = functools.partial(pin_as_if_by_tls, app.pin_request_origin)
    app.main()
