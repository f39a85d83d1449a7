"""The case report in a real browser, and JSON against its schema: on the sample, and on names that attackers choose."""

import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

import browser
from simulation import binary
from stack import ROOT

ANNAS_KEY = "ASIAWO645SY5JF6HUBQ3"
VENDORS_KEY = "ASIAWO645SY5GPU6CRXL"
TWICE_ASKED_ROLE = "arn:aws:iam::444455556666:role/ledger-restore"
HOSTILE_KEY = "ASIAWO645SY5HOSTILE2"

# Markup, quotes, terminal escapes, a right-to-left override, and more than any name may be long.
HOSTILE = (
    "</text></svg></style></title><script>window.owned=1;alert(1)</script><img src=https://example.com/x onerror=window.owned=1>"
    "\"'` onload=window.owned=1 \u001b[2J\u001b]0;owned\u0007\u202egnp.exe\u200b"
)
LONG = "x" * 2000

WIDTHS_AND_SCHEMES = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]


def trailback(*arguments: str, stdin: str = "", code: int = 0) -> str:
    """What the program prints; it must end with that exit code."""
    command = [binary("trailback"), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def assume_role(number: int, caller_key: str | None, key: str) -> dict:
    """A record whose every free text is hostile."""
    account = "444455556666"
    caller = {
        "type": "IAMUser",
        "principalId": "AIDARTX3GSDSTN2YHC5K",
        "arn": f"arn:aws:iam::{account}:user/{HOSTILE}",
        "accountId": account,
        "accessKeyId": "AKIARTX3GSDSW4KXJQ6B",
        "userName": HOSTILE,
    }
    name = HOSTILE if number == 1 else LONG
    if caller_key:
        caller = {
            "type": "AssumedRole",
            "principalId": f"AROAWO645SY5DRESTX3M:{HOSTILE}",
            "arn": f"arn:aws:sts::{account}:assumed-role/web/{HOSTILE}",
            "accountId": account,
            "accessKeyId": caller_key,
        }
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": HOSTILE, "Resource": LONG}]}
    return {
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "eventTime": f"2026-11-20T12:0{number}:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": HOSTILE,
        "sourceIPAddress": HOSTILE,
        "userAgent": HOSTILE,
        "userIdentity": caller,
        "requestParameters": {
            "roleArn": f"arn:aws:iam::{account}:role/web",
            "roleSessionName": name,
            "externalId": HOSTILE,
            "policy": json.dumps(policy),
            "tags": [{"key": HOSTILE, "value": LONG}],
            "transitiveTagKeys": [HOSTILE],
        },
        "responseElements": {
            "credentials": {"accessKeyId": key, "expiration": "Nov 20, 2026, 1:00:00 PM"},
            "assumedRoleUser": {
                "assumedRoleId": f"AROAWO645SY5DRESTX3M:{name}",
                "arn": f"arn:aws:sts::{account}:assumed-role/web/{name}",
            },
        },
        "recipientAccountId": account,
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> str:
    """The sample, with a hostile chain beside it."""
    folder = tmp_path_factory.mktemp("report")
    first_key = "ASIAWO645SY5HOSTILE1"
    records = [assume_role(1, None, first_key), assume_role(2, first_key, HOSTILE_KEY)]
    (folder / "hostile.json").write_text(json.dumps({"Records": records}))
    logs = [str(ROOT / "tests/samples/logs"), str(folder / "hostile.json")]
    trailback("ingest", *logs, "--lake", str(folder / "lake"))
    return str(folder / "lake")


@pytest.fixture(scope="module")
def chromium():
    """The browser."""
    running = browser.start()
    yield running
    running.close()


def page_of(lake: str, subject: str, folder: pathlib.Path) -> pathlib.Path:
    """The case report of a subject, in a file."""
    page = folder / "report.html"
    page.write_text(trailback("trace", subject, "--lake", lake, "--format", "html"), encoding="utf-8")
    return page


@pytest.mark.parametrize("subject", [ANNAS_KEY, VENDORS_KEY, TWICE_ASKED_ROLE, HOSTILE_KEY])
def test_a_page_fits_every_screen_and_does_nothing(lake, chromium, subject, tmp_path):
    """No script, no request, nothing on the console; nothing wider than the screen, nothing too faint."""
    page = page_of(lake, subject, tmp_path)
    # Pictures to look at, where they are wanted.
    pictures = os.environ.get("REPORT_PICTURES")
    for width, scheme in WIDTHS_AND_SCHEMES:
        picture = pathlib.Path(pictures) / f"{subject.split('/')[-1]}-{width}-{scheme}.png" if pictures else None
        seen = chromium.see(page, width, scheme, picture=picture)
        what = f"{subject} at {width} in {scheme}"
        assert (seen.problems, seen.runnable, seen.is_owned) == ([], [], False), what
        assert (seen.too_wide, seen.scrolls_sideways) == ([], False), what
        assert seen.too_faint == [], what


def test_a_page_tells_the_story(lake, chromium, tmp_path):
    """What a reader looks for is there as text."""
    seen = chromium.see(page_of(lake, ANNAS_KEY, tmp_path), 1280, "light")
    for text in [
        "Who is behind",
        "IAM user anna.berg of account 111122223333",
        "with MFA",
        "The holder of that session (jump / anna.berg) received the role session prod-operator / anna.berg",
        "OPS-4711",
        "Allows every action of rds, sts:AssumeRole on every resource.",
        "46adf1f8-af69-4751-8926-427d80293ac6",
        "20261120T0915Z_gT2xMv6DqLz8NcHy.json",
        "What was searched",
        "2026-11-20",
    ]:
        assert text in seen.text, text


def test_a_hostile_name_is_shown_harmlessly(lake, chromium, tmp_path):
    """As text, with what a terminal obeys and what hides or turns text as visible escapes."""
    page = page_of(lake, HOSTILE_KEY, tmp_path)
    seen = chromium.see(page, 1280, "light")
    assert "<script>window.owned=1;alert(1)</script>" in seen.text
    assert r"\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gnp.exe\u{200b}" in seen.text
    assert LONG in seen.text
    assert not [c for c in page.read_text(encoding="utf-8") if c in "\u001b\u0007\u202e\u200b"]


def test_a_page_prints_on_few_sheets(lake, chromium, tmp_path):
    """In black on white, whatever the screen's scheme."""
    page = page_of(lake, ANNAS_KEY, tmp_path)
    assert 2 <= chromium.printed_pages(page) <= 12
    pictures = os.environ.get("REPORT_PICTURES")
    picture = pathlib.Path(pictures) / "print.png" if pictures else None
    printed = chromium.see(page, 720, "dark", media="print", picture=picture)
    assert (printed.too_wide, printed.too_faint, printed.problems) == ([], [], [])


def test_every_trace_in_json_is_valid(lake):
    """Of every row of the lake, and of a record on standard input."""
    schema = json.loads((ROOT / "docs/trace.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    rows = trailback("sessions", "--lake", lake, "--format", "json", "--limit", "0").splitlines()
    ids = [json.loads(row)["event_id"] for row in rows]
    assert len(ids) == 14
    traces = [trailback("trace", event_id, "--lake", lake, "--format", "json") for event_id in ids]
    record = (ROOT / "tests/samples/record.json").read_text()
    traces.append(trailback("trace", "-", "--lake", lake, "--format", "json", stdin=record))
    for trace in traces:
        for line in trace.splitlines():
            assert [error.message for error in validator.iter_errors(json.loads(line))] == []
    broken = json.loads(traces[0])
    del broken["hops"][0]["event_id"]
    assert not validator.is_valid(broken)
