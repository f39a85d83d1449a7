"""What the roles of infra/functions.yaml may do, and what they asked for in the run of the suite."""

import json
import pathlib
from typing import NamedTuple

import cfnlint.decode

from stack import ROOT

ROLES = ("ExtractRole", "LinkRole", "LinkScheduleRole")


class Permission(NamedTuple):
    """One action on one resource, as a template grants it."""

    role: str
    statement: str
    action: str
    resource: str


def as_list(some) -> list:
    """What a policy may write without its brackets."""
    return some if isinstance(some, list) else [some]


def statements(role: str) -> list[dict]:
    """What a role of functions.yaml may do."""
    template, problems = cfnlint.decode.decode(str(ROOT / "infra/functions.yaml"))
    assert not problems
    [policy] = template["Resources"][role]["Properties"]["Policies"]
    # A statement that stands under a condition: its first branch.
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in policy["PolicyDocument"]["Statement"]]


def named(resource) -> str:
    """A resource as its template writes it, without what all ARNs of S3 begin with."""
    [(_, text)] = resource.items()
    text = ".".join(text) if isinstance(text, list) else text
    return text.removeprefix("arn:${AWS::Partition}:s3:::")


def granted() -> set[Permission]:
    """Every action on every resource that the templates grant."""
    return {
        Permission(role, statement["Sid"], action, named(resource))
        for role in ROLES
        for statement in statements(role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def role_of(name: str) -> str | None:
    """The role of the template that has this name in a stack."""
    return next((role for role in ROLES if f"-{role}-" in name), None)


def asked(lines: pathlib.Path) -> tuple[set[Permission], list[dict]]:
    """What the roles asked for and got, and what they were refused: from what mended_ministack.py wrote down."""
    got, refused = set(), []
    for line in map(json.loads, lines.read_text().splitlines()):
        if not (role := role_of(line["role"])):
            continue
        if "refused" in line:
            refused.append(line)
            continue
        sid, number = line["grant"]
        resources = {statement["Sid"]: as_list(statement["Resource"]) for statement in statements(role)}
        # A bucket's policy is asked too.
        if sid in resources:
            got.add(Permission(role, sid, line["action"], named(resources[sid][number])))
    return got, refused
