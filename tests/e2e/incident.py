"""An intrusion by hand: what the simulator does not tell of, so that each question of a detection engineer has an answer.

Names and tags are as hostile as a log can hold them. What they are is known here, and the tests hold the answers to it.
"""

import datetime
import gzip
import json
import pathlib

ACCOUNT = "111122223333"
KEY = "AKIAINTRUDER00000001"
TOKEN = "ASIAINTRUDERTOKEN001"
QUOTE = "O'Brien\" -- ; DROP TABLE sessions ? <script>"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"
ASIDE = "put-aside.json.gz"
# The key of the second of two issuances that fit.
SECOND_TWIN = "ASIAINCIDENTTWIN2000"
SUBJECT, ROGUE = "repo:example-org/shop:pull_request", "oidc.rogue.example"


class Incident:
    """Records of one afternoon, each found again by its event ID."""

    def __init__(self, day: datetime.date):
        self.day = day
        self.records = []
        self._stolen_key()
        self._token_that_outlives_its_key()
        self._names_that_lie()
        self._guesses()
        self._policy_left_out()
        self._tags()
        self._mfa_that_comes_late()
        self._workload()
        self._one_of_two()
        self._other_identities_of_a_name()

    def write(self, folder: pathlib.Path) -> None:
        """Adds one log object to a folder of log objects."""
        day = self.day
        path = folder / f"AWSLogs/{ACCOUNT}/CloudTrail/eu-central-1/{day:%Y/%m/%d}"
        path.mkdir(parents=True)
        content = json.dumps({"Records": self.records}).encode()
        name = f"{ACCOUNT}_CloudTrail_eu-central-1_{day:%Y%m%d}T1805Z_Incident.json.gz"
        (path / name).write_bytes(gzip.compress(content, mtime=0))
        # A copy that somebody has put aside under another name: it tells neither account nor time.
        (folder / ASIDE).write_bytes(gzip.compress(json.dumps({"Records": self.records[:1]}).encode(), mtime=0))

    def time(self, hour: int, minute: int = 0) -> str:
        """A moment of the day."""
        return f"{self.day}T{hour:02}:{minute:02}:00Z"

    def _record(self, event_id: str, time: str, name: str, caller: dict, request: dict, response: dict | None, **others) -> None:
        self.records.append({
            "eventVersion": "1.11", "userIdentity": caller, "eventTime": time, "eventSource": "sts.amazonaws.com",
            "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.66", "userAgent": QUOTE,
            "requestParameters": request, "responseElements": response, "requestID": event_id, "eventID": event_id,
            "readOnly": True, "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT,
            "eventCategory": "Management", **others,
        })

    def _assume(self, event_id: str, time: str, caller: dict, role: str, session: str, *, refused=False, others=None, **request) -> dict:
        """A call of AssumeRole; returns the caller that its session is."""
        key = "ASIA" + event_id.replace("-", "").upper().ljust(16, "0")[:16]
        wanted = {"roleArn": f"{ROLES}/{role}", "roleSessionName": session, **request}
        if refused:
            self._record(
                event_id, time, "AssumeRole", caller, wanted, None, errorCode="AccessDenied",
                errorMessage=f"User is not authorized to perform: sts:AssumeRole on {QUOTE}", **(others or {}),
            )
            return {}
        principal = f"AROA{role.upper().replace('-', '')[:17]:X<17}:{session}"
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
        self._record(event_id, time, "AssumeRole", caller, wanted, {
            "credentials": {"accessKeyId": key, "expiration": f"{self.day:%b %-d, %Y}, 11:00:00 PM"},
            "assumedRoleUser": {"assumedRoleId": principal, "arn": arn},
        }, **(others or {}))
        return {
            "type": "AssumedRole", "principalId": principal, "arn": arn, "accountId": ACCOUNT, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": principal.split(":")[0], "arn": f"{ROLES}/{role}",
                    "accountId": ACCOUNT, "userName": role,
                },
                "attributes": {"creationDate": time, "mfaAuthenticated": "false"},
            },
        }

    def _stolen_key(self) -> None:
        user = iam_user("mallory", KEY)
        first = self._assume("incident-entry", self.time(12), user, "entry", "mallory-1")
        # Minutes later, from elsewhere.
        elsewhere = {"sourceIPAddress": "198.51.100.7"}
        self._assume("incident-elsewhere", self.time(12, 5), user, "entry", "mallory-2", others=elsewhere)
        second = self._assume("incident-second", self.time(12, 10), first, "middle", QUOTE)
        # A name that the chain does not bear out, set on the way.
        self._assume("incident-third", self.time(12, 20), second, "target", "deep", sourceIdentity="anna.berg")

    def _token_that_outlives_its_key(self) -> None:
        user = iam_user("leaver", "AKIALEAVER0000000001")
        self._record("incident-token", self.time(13), "GetSessionToken", user, {"durationSeconds": 129600}, {
            "credentials": {"accessKeyId": TOKEN, "expiration": f"{self.day + datetime.timedelta(days=1):%b %-d, %Y}, 11:00:00 PM"},
        })
        context = {"attributes": {"creationDate": self.time(13), "mfaAuthenticated": "false"}}
        with_token = {**user, "accessKeyId": TOKEN, "sessionContext": context}
        self._assume("incident-after-the-key", self.time(17), with_token, "entry", "leaver")
        self._assume("incident-token-refused", self.time(17, 1), with_token, "admin", "leaver", refused=True)

    def _names_that_lie(self) -> None:
        user = iam_user("mallory", KEY)
        self._assume("incident-no-instance", self.time(14), user, "entry", "i-0123456789abcdef0")
        self._assume("incident-no-anna", self.time(14, 1), user, "entry", "anna.berg")
        self._assume("incident-anna", self.time(14, 2), iam_user("anna.berg", "AKIAANNABERG00000001"), "entry", "anna.berg")

    def _guesses(self) -> None:
        user = iam_user("mallory", KEY)
        for number, role in enumerate(["admin", "root-like", "billing"]):
            another = {"sourceIPAddress": f"198.51.100.{number}"}
            self._assume(f"incident-guess-{number}", self.time(15, number), user, role, QUOTE, refused=True, others=another)

    def _policy_left_out(self) -> None:
        broker = iam_user("broker", "AKIABROKER0000000001")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": QUOTE}]})
        for number in range(9):
            session = self._assume(f"incident-policy-{number}", self.time(16, number), broker, "brokered", f"job-{number}", policy=policy)
            signin = {"eventSource": "signin.amazonaws.com"}
            response = {"credentials": {"accessKeyId": f"ASIACONSOLE{number:09}"}, "GetSigninToken": "Success"}
            self._record(f"incident-console-{number}", self.time(16, 30), "GetSigninToken", session, {}, response, **signin)
        self._assume("incident-no-policy", self.time(16, 30), broker, "brokered", "job-free")
        # By another kind of origin, of which no session has a policy.
        person = {"type": "SAMLUser", "principalId": "cXVhbA==:eve", "userName": "eve", "identityProvider": "cXVhbA=="}
        self._assume("incident-around", self.time(16, 31), person, "brokered", "eve", others={"eventName": "AssumeRoleWithSAML"})

    def _tags(self) -> None:
        user = iam_user("tagger", "AKIATAGGER0000000001")

        def tags(email: str) -> list[dict]:
            return [{"key": "Email", "value": email}, {"key": "project", "value": QUOTE}]

        parent = self._assume("incident-tags", self.time(16), user, "entry", "tagger", tags=tags("tagger@example.com"))
        self._assume("incident-tags-anew", self.time(16, 5), parent, "middle", "tagger", tags=tags("victim@example.com"))

    def _mfa_that_comes_late(self) -> None:
        parent = self._assume("incident-bare", self.time(16), iam_user("late", "AKIALATE000000000001"), "entry", "late")
        parent["sessionContext"]["attributes"]["mfaAuthenticated"] = "true"
        self._assume("incident-mfa-late", self.time(16, 6), parent, "admin", "late")

    def _workload(self) -> None:
        caller = self._assume("incident-web", self.time(16), iam_user("late", "AKIALATE000000000001"), "web", "i-0fedcba9876543210")
        caller["sessionContext"]["ec2RoleDelivery"] = "1.0"
        self._assume("incident-imds", self.time(16, 7), caller, "entry", "from-the-web")

    def _one_of_two(self) -> None:
        """Two users have one role session in one second: with whose console it went on, nobody can tell."""
        castor, pollux = iam_user("castor", "AKIACASTOR0000000001"), iam_user("pollux", "AKIAPOLLUX0000000001")
        self._assume("incident-twin-1", self.time(11), castor, "entry", "dioscuri")
        session = self._assume("incident-twin-2", self.time(11), pollux, "entry", "dioscuri")
        session["accessKeyId"] = "ASIANEVERHANDEDOUT01"
        onwards = self._assume("incident-either", self.time(11, 5), session, "middle", "either")
        self._assume("incident-either-deep", self.time(11, 10), onwards, "target", "either")

    def _other_identities_of_a_name(self) -> None:
        namesake = iam_user("anna.berg", "AKIANAMESAKE00000001", "999988887777")
        self._assume("incident-namesake", self.time(14, 3), namesake, "entry", "anna.berg")
        by_token = {"eventName": "AssumeRoleWithWebIdentity"}
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ROGUE}"
        caller = {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{SUBJECT}", "identityProvider": provider}
        self._assume("incident-rogue", self.time(14, 4), {**caller, "userName": SUBJECT}, "entry", "rogue", others=by_token)
        caller["principalId"] = f"{provider}:sts.amazonaws.com"
        self._assume("incident-no-subject", self.time(14, 5), caller, "entry", "rogue", refused=True, others=by_token)


def iam_user(name: str, key: str, account: str = ACCOUNT) -> dict:
    """The `userIdentity` of an IAM user with a long-term key."""
    return {
        "type": "IAMUser", "principalId": f"AIDA{name.upper().replace('.', '')[:17]:X<17}", "accountId": account,
        "arn": f"arn:aws:iam::{account}:user/{name}", "accessKeyId": key, "userName": name,
    }
