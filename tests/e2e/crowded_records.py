"""Records that collide as no real log's do: keys recur, seconds coincide, circles close, readings and corrections disagree.

Many small worlds in one lake, written as fragments: each has a few names of its own, so that its records meet each other and no
others. What a table of them must be, the linker itself says.
"""

import datetime
import hashlib
import json
import pathlib
import random

import pyarrow
import pyarrow.parquet

MOMENT = pyarrow.timestamp("ms", tz="UTC")
TEXTS, TAGS = pyarrow.list_(pyarrow.string()), pyarrow.map_(pyarrow.string(), pyarrow.string())
KINDS = {
    "string": pyarrow.string(), "array<string>": TEXTS, "timestamp": MOMENT, "int": pyarrow.int32(), "boolean": pyarrow.bool_(),
    "map<string,string>": TAGS,
}
SESSION_TYPES = ["AssumedRole"] * 8 + [
    "AssumedRoot", "SessionToken", "FederatedUser", "Console", "Console", "Delegated", "WebIdentity", "Witness", "Unknown",
]
SERVICES = [
    "ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "pods.eks.amazonaws.com", "account-access.amazonaws.com",
    "rds.amazonaws.com",
]
ISSUERS = [
    "arn:aws:iam::111122223333:user/team/ann", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/a",
    "arn:aws:sts::111122223333:federated-user/bob", "arn:aws:iam::aws:policy/x", "arn:aws:iam::111122223333:user/", "no ARN",
    "arn:aws:iam::111122223333:user/x:root", "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_admin",
]
# Encoding an account, too old to, and encoding more than there are.
IDS = ["AIDARTX3GSDSAEXAMPLE", "AROARTX3GSDS5EXAMPLE:ann:x", "AIDAJ45Q7YFFAREXAMPLE", "ASIA777777777ZZZZZZZ", "AKIA", "odd"]


class World:
    """A few names, and records that use them."""

    def __init__(self, number: int, start: datetime.datetime):
        self.name = f"w{number}"
        self.start = start
        self.dice = random.Random(number)
        self.maybe = lambda value, share=0.5: value if self.dice.random() < share else None

    def moment(self) -> datetime.datetime:
        """Around an hour's end, where seconds are few; some a day and a half later, at the edge of what is looked back on."""
        second = self.dice.randrange(3_597, 3_603)
        late = self.dice.choice([0, 0, 0, 0, 129_597, 129_600])
        return self.start + datetime.timedelta(seconds=second + late)

    def event_id(self) -> str:
        """One of thirty."""
        return f"{self.name}-{self.dice.randrange(30):02}"

    def account(self) -> str | None:
        """One of two, or none."""
        return self.dice.choice(["111122223333"] * 16 + ["444455556666", None])

    def key(self) -> str:
        """One of three."""
        return f"ASIA{self.name}{self.dice.randrange(3)}"

    def role_session(self) -> tuple[str, str]:
        """One of four."""
        return self.dice.choice("ab") + self.name, self.dice.choice("st")

    def record(self) -> dict:
        """One record."""
        event_id, dice = self.event_id(), self.dice
        row = {
            "event_id": event_id, "event_ids": [event_id], "event_time": self.moment(),
            "event_name": dice.choice(["AssumeRole"] * 3 + ["CreateSession"] * 3 + ["ConsoleLogin", "AssumeRoleWithSAML"]),
            "event_source": dice.choice(["sts.amazonaws.com"] * 12 + ["rolesanywhere.amazonaws.com", "sso.amazonaws.com"]),
            "aws_region": self.maybe("eu-central-1"), "recipient_account_id": self.account(), "request_id": f"request-{event_id}",
            "source_ip_address": dice.choice(["198.51.100.7", "203.0.113.9"]), "user_agent": self.maybe("aws-cli"),
            "outcome": dice.choice(["issued"] * 12 + ["failed"]), "log_objects": [f"object-{dice.randrange(9)}"],
            "extract_version": dice.choice([1, 1, 1, 2]), "session_mfa": dice.choice([True, False, None]),
            "caller_mfa": dice.choice([True, False, None]), "expires_at": self.maybe(self.moment()),
            "duration_seconds": self.maybe(3_600), "explicit_trust_grant": dice.choice([True, False, None]),
            "session_policy_arns": self.maybe([ISSUERS[2]], 0.1), "session_policy_sha256": self.maybe("1b2c", 0.1),
            "packed_policy_size": self.maybe(dice.choice([0, 7]), 0.3),
            "source_identity": self.maybe(dice.choice(["ann", "bob"]), 0.3),
        }
        self._corrected_or_twice(row)
        self._handed_out(row)
        self._called(row)
        self._tagged(row)
        return row

    def _corrected_or_twice(self, row: dict) -> None:
        if self.dice.random() < 0.15:
            row["replaces_event_id"], row["addendum_reason"] = self.event_id(), "UPDATED_DATA"
        if self.dice.random() < 0.25:
            row["shared_event_id"], row["request_id"] = f"{self.name}-shared-{self.dice.randrange(3)}", "request"

    def _handed_out(self, row: dict) -> None:
        role, session = self.role_session()
        account = row["recipient_account_id"] or "111122223333"
        row.update({
            "session_type": self.dice.choice(SESSION_TYPES), "access_key_id": self.maybe(self.key(), 0.8),
            "session_principal_id": self.maybe(f"AROA{role}:{session}", 0.8), "session_name": session,
            "session_arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "role_name": role,
            "role_arn": f"arn:aws:iam::{account}:role/{role}", "role_account_id": self.maybe(account, 0.8),
            "identity_provider_arn": self.maybe("arn:aws:iam::111122223333:saml-provider/x", 0.1),
        })
        if self.dice.random() < 0.1:
            row["role_name"] = "AWSReservedSSO_admin"
            row["role_arn"] = self.maybe(self.dice.choice(ISSUERS))
        if self.dice.random() < 0.05:
            row["role_arn"] = None
        if self.dice.random() < 0.15:
            # Neither a principal nor a role session: its key and its second are all there is.
            arns = ["arn:aws:iam::111122223333:user/ann", "arn:aws:iam::444455556666:role/a", "no ARN", None]
            row.update({"session_principal_id": None, "session_arn": self.dice.choice(arns), "access_key_id": self.key()})
            row[self.dice.choice(["session_name", "role_name", "role_account_id"])] = None

    def _called(self, row: dict) -> None:
        role, session = self.role_session()
        account = self.account()
        row.update({"caller_account_id": account, "caller_source_identity": self.maybe(self.dice.choice(["ann", "bob"]), 0.2)})
        if self.dice.random() < 0.6:
            path = self.dice.choice(["", "", "", "path/"])
            if self.dice.random() < 0.05:
                role = "AWSReservedSSO_admin"
            row.update({
                "caller_type": "AssumedRole", "caller_principal_id": f"AROA{role}:{session}", "caller_access_key_id": self.key(),
                "caller_arn": f"arn:aws:sts::{account or '111122223333'}:assumed-role/{path}{role}/{session}",
                "caller_session_created_at": self.maybe(self.moment(), 0.8),
            })
            if self.dice.random() < 0.2:
                row["caller_access_key_id"] = None
            return self._odd_caller(row, 0.05)
        name = self.dice.choice(["ann", "bob"])
        row.update({
            "caller_type": self.dice.choice([
                "IAMUser", "IAMUser", "Root", "SAMLUser", "WebIdentityUser", "IdentityCenterUser", "FederatedUser", "AssumedRole",
                "AWSService", "AWSAccount", "AWSAccount", "Directory", None,
            ]),
            "caller_arn": self.maybe(self.dice.choice([f"arn:aws:iam::111122223333:user/{name}", "ends/with/", "odd:name", ""])),
            "caller_principal_id": self.maybe(self.dice.choice(IDS)), "caller_user_name": self.maybe(name),
            "caller_access_key_id": self.maybe(self.dice.choice(IDS)), "caller_session_created_at": self.maybe(self.moment(), 0.2),
        })
        return self._odd_caller(row, 0.3)

    def _odd_caller(self, row: dict, share: float) -> None:
        row.update({
            "caller_session_issuer_arn": self.maybe(self.dice.choice(ISSUERS)),
            "caller_invoked_by": self.maybe(self.dice.choice(SERVICES), share),
            "caller_identity_provider": self.maybe("accounts.example.com", share),
            "caller_on_behalf_of_user_id": self.maybe("person-1", share / 3),
            "caller_on_behalf_of_identity_store_arn": self.maybe("arn:aws:identitystore::1:identitystore/d-1", share),
            "caller_in_scope_of_arn": self.maybe("arn:aws:lambda:eu-central-1:111122223333:function:f", share / 3),
            "caller_ec2_role_delivery": self.maybe("2.0", share / 3),
            "caller_assumed_root": self.dice.choice([True, False, None, None]),
            "caller_delegate_account_id": self.maybe("444455556666", share / 3),
        })

    def _tagged(self, row: dict) -> None:
        keys = ["team", "Team", "café", "CAFÉ", "a", "a-b", "kubernetes-namespace", "kubernetes-pod-name"]
        if self.dice.random() < 0.5:
            row["session_tags"] = {key: self.dice.choice(["red", "blue"]) for key in self.dice.sample(keys, self.dice.randrange(1, 4))}
            row["transitive_tag_keys"] = sorted(self.dice.sample(["team", "TEAM", "Café", "A", "a-b"], self.dice.randrange(3))) or None
        if self.dice.random() < 0.1:
            row["inherited_tags"] = {self.dice.choice(["team", "TEAM", "case"]): "9"}

    def told_apart(self) -> list[dict]:
        """A call whose source identity tells which of two issuances made its session: the one whose own caller may be either of two."""
        moment, role, name = self.start + datetime.timedelta(hours=30), self.name, ["ann", "bob"]

        def call(number: int, hands_out: str, calls: str | None, user: str | None = None, **told: str) -> dict:
            """Hands out a session of one role, called by one of the session before it or by a user."""
            arn = f"arn:aws:sts::111122223333:assumed-role/{calls}/s" if calls else f"arn:aws:iam::111122223333:user/{user}"
            event_id, second = f"{role}-apart-{number}", moment + datetime.timedelta(seconds=ord(hands_out))
            return {
                "event_id": event_id, "event_ids": [event_id], "event_time": second, "event_name": "AssumeRole",
                "event_source": "sts.amazonaws.com", "recipient_account_id": "111122223333", "outcome": "issued",
                "log_objects": ["object-0"], "extract_version": 1, "session_type": "AssumedRole", "session_name": "s",
                "session_principal_id": f"AROA{role}{hands_out}:s", "role_name": hands_out, "role_account_id": "111122223333",
                "role_arn": f"arn:aws:iam::111122223333:role/{hands_out}", "caller_type": "AssumedRole" if calls else "IAMUser",
                "caller_arn": arn, "caller_principal_id": f"AROA{role}{calls}:s" if calls else f"AIDA{user}",
                "caller_account_id": "111122223333", "caller_user_name": user,
                "caller_session_created_at": moment + datetime.timedelta(seconds=ord(calls)) if calls else None, **told,
            }

        return [
            *(call(number, "a", None, name[number]) for number in (0, 1)),
            call(2, "b", "a", source_identity=name[0]),
            call(3, "b", None, name[1], source_identity=name[1]),
            call(4, "c", "b", caller_source_identity=name[0]),
        ]


def made_again(row: dict, number: int) -> dict:
    """The same call once more in the second: whatever is not known of one caller is not known of the other. Of some only the
    name is another, of some users the key."""
    event_id = f"{row['event_id']}-again-{number}"
    name = "cleo" if number == 2 and row.get("caller_user_name") else row.get("caller_user_name")
    key = "AKIARTX3GSDSASECOND" if number == 1 and row.get("caller_type") == "IAMUser" else row.get("caller_access_key_id")
    again = {"event_id": event_id, "event_ids": [event_id], "shared_event_id": None, "replaces_event_id": None}
    return {**row, **again, "caller_user_name": name, "caller_access_key_id": key}


def crowded_records(worlds: int, start: datetime.datetime) -> list[dict]:
    """Some two dozen records of each world; a few are there twice, made again, read by two versions or word for word."""
    rows = []
    for number in range(worlds):
        world = World(number, start)
        own = [world.record() for _ in range(world.dice.randrange(4, 28))]
        rows += own + [made_again(row, number) for number, row in enumerate(world.dice.sample(own, 3))]
        if number % 10 == 0:
            rows += world.told_apart()
        again = world.dice.choice(rows)
        rows.append({**again, "log_objects": ["another-object"]})
        rows.append({**again, "user_agent": "aws-sdk", "extract_version": world.dice.choice([1, 2])})
    return rows


def write_fragments(rows: list[dict], fields: list[dict], lake: pathlib.Path) -> None:
    """Writes fragments as the program does: one for each hour of event time, in the order of time, named by its bytes."""
    lake.mkdir(parents=True)
    (lake / "trailback-lake.json").write_text(json.dumps({"format": "trailback-lake", "layout": 1}, separators=(",", ":")) + "\n")
    schema = pyarrow.schema(
        [pyarrow.field(field["name"], KINDS[field["type"]], field["nullable"]) for field in fields],
        {"trailback.table": "fragments", "trailback.schema_version": "1"},
    )
    hours = {}
    for row in sorted(rows, key=lambda row: row["event_time"]):
        hours.setdefault(row["event_time"].strftime("dt=%Y-%m-%d/hour=%H"), []).append(row)
    for hour, members in hours.items():
        table = pyarrow.Table.from_pylist([{**row, **sorted_tags(row)} for row in members], schema)
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink, compression="zstd")
        content = sink.getvalue().to_pybytes()
        folder = lake / "sessions/fragments" / hour
        folder.mkdir(parents=True)
        (folder / f"{hashlib.sha256(content).hexdigest()}.parquet").write_bytes(content)


def sorted_tags(row: dict) -> dict:
    """Maps as lists of pairs, which Arrow wants, in the order of their keys, which the lake wants."""
    return {name: sorted(value.items()) for name, value in row.items() if isinstance(value, dict)}
