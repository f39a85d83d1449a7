"""ministack 1.5.33 with two faults of it mended: started in place of its own command, until a release does without."""

from ministack.app import main
from ministack.services import lambda_svc
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


if __name__ == "__main__":
    provisioners._update_resource = keep_attributes_of_what_stays(provisioners._update_resource)
    lambda_svc._sqs_esm_concurrency = take_concurrency_as_a_number(lambda_svc._sqs_esm_concurrency)
    main()
