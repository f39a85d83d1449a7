"""ministack 1.5.33 with two faults of it mended and two lacks made up for: started in place of its own command, until a release does without."""

import json

from ministack.app import main
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


def tell_of_tables_as_glue_does(create):
    """AWS Glue tells some members of a table though nobody gave them, and no description where there is none: Trino relies on both."""
    always = {"Columns": [], "Compressed": False, "NumberOfBuckets": 0, "StoredAsSubDirectories": False}

    def mended(data):
        table = data["TableInput"]
        storage = {**always, **table.get("StorageDescriptor", {})}
        answer = create({**data, "TableInput": {**table, "StorageDescriptor": storage}})
        created = glue._tables[f"{data['DatabaseName']}/{table['Name']}"]
        if not created["Description"]:
            del created["Description"]
        return answer

    return mended


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


if __name__ == "__main__":
    glue._create_table = tell_of_tables_as_glue_does(glue._create_table)
    provisioners._RESOURCE_HANDLERS["AWS::Athena::NamedQuery"] = kept_in_a_workgroup(named_query, remove_named_query)
    provisioners._RESOURCE_HANDLERS["AWS::Athena::PreparedStatement"] = kept_in_a_workgroup(
        prepared_statement, remove_prepared_statement
    )
    provisioners._update_resource = keep_attributes_of_what_stays(provisioners._update_resource)
    lambda_svc._sqs_esm_concurrency = take_concurrency_as_a_number(lambda_svc._sqs_esm_concurrency)
    main()
