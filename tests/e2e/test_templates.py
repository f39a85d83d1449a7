"""Templates and scripts, as they stand in `infra/`."""

import pathlib
import subprocess
import sys

import cfnlint.decode
import pytest

from permissions import as_list, statements
from stack import ROOT

INFRA = ROOT / "infra"
TOOLS = pathlib.Path(sys.executable).parent


def test_templates_are_clean():
    # W3002: a path that `aws cloudformation package` replaces, as deploy.sh has it do.
    templates = sorted(INFRA.glob("*.yaml"))
    linted = subprocess.run(
        [TOOLS / "cfn-lint", "--ignore-checks", "W3002", "--", *templates], capture_output=True, text=True, check=False
    )
    assert len(templates) == 7
    assert linted.returncode == 0, linted.stdout


def test_scripts_are_clean():
    scripts = [*sorted(INFRA.glob("*.sh")), *sorted(ROOT.glob("tests/**/*.sh")), ROOT / ".ci/run"]
    linted = subprocess.run([TOOLS / "shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def actions(role: str) -> set[str]:
    """The actions of a role."""
    return {action for statement in statements(role) for action in as_list(statement["Action"])}


def test_the_manual_says_which_parameters_set_the_functions():
    # `| variable | function | parameter | meaning |`; that these are all variables there are is held in functions/*/src/settings.rs.
    lines = (ROOT / "docs/OPERATIONS.md").read_text().splitlines()
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `TRAILBACK_")]
    told = {(variable, whose) for variable, whose, parameter, _ in rows if parameter}
    template, _ = cfnlint.decode.decode(str(INFRA / "functions.yaml"))
    named = {"extract": template["Resources"]["Extract"], "link": template["Resources"]["Link"]}
    variables = {name: function["Properties"]["Environment"]["Variables"] for name, function in named.items()}
    is_set = {name: {variable for variable in of if variable.startswith("TRAILBACK_")} for name, of in variables.items()}
    both = is_set["extract"] & is_set["link"]
    assert told == {
        *((variable, "both") for variable in both),
        *((variable, name) for name, variables in is_set.items() for variable in variables - both),
    }


LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
KMS = {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (
            "ExtractRole",
            LOGS
            | KMS
            | {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"}
            | {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
        ),
        ("LinkRole", LOGS | KMS | {"s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}),
        ("LinkScheduleRole", {"lambda:InvokeFunction"}),
    ],
)
def test_a_role_may_do_what_its_function_does_and_no_more(role, allowed):
    assert actions(role) == allowed


@pytest.mark.parametrize("role", ["ExtractRole", "LinkRole", "LinkScheduleRole"])
def test_no_role_reaches_all_resources(role):
    for statement in statements(role):
        for resource in as_list(statement["Resource"]):
            assert resource != "*", statement
