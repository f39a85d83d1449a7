"""The answers to some investigations, reckoned a second time: in Python, from the rows as pyarrow reads them.

For questions about facts of which the simulator keeps no truth (addresses, external IDs, delivery); each returns what identifies the rows.
"""

import collections
import datetime


def issued(rows: list[dict]) -> list[dict]:
    """The sessions that exist."""
    return [row for row in rows if row["outcome"] == "issued" and row["session_type"] != "Witness"]


def identity(row: dict) -> tuple:
    """The origin of a row."""
    return row["origin_type"], row["origin_name"], row["origin_arn"] or ""


def new_addresses(rows: list[dict], since: str) -> set[tuple]:
    """Origin, issuer, address and how many were known, where the address is new since a day and the origin is not."""
    named, known, seen = collections.defaultdict(set), set(), set()
    for row in rows:
        address = row["source_ip_address"]
        if not row["origin_known"] or row["origin_type"] == "AWSService":
            continue
        if address is None or ".amazonaws.com" in address or address.startswith("AWS Internal"):
            address = None
        if row["event_time"][:10] < since:
            named[identity(row)].add(address)
            known.add((*identity(row), issuer(row), address))
        elif address is not None:
            seen.add((*identity(row), issuer(row), address))
    return {(*found, len(named[found[:3]] - {None})) for found in seen - known if found[:3] in named}


def issuer(row: dict) -> str:
    """Who issued the token of a web identity."""
    return (row["origin_identity_provider"] or "").rpartition(":oidc-provider/")[2] if row["origin_type"] == "WebIdentityUser" else ""


def weak_external_ids(rows: list[dict]) -> collections.Counter:
    """Sessions by finding, external ID, account of the caller and role."""
    senders = collections.defaultdict(set)
    for row in issued(rows):
        if row["external_id"] is not None and row["caller_account_id"] is not None:
            senders[row["external_id"]].add(row["caller_account_id"])
    found = collections.Counter()
    for row in issued(rows):
        sent, group = row["external_id"], (row["external_id"], row["caller_account_id"], row["role_arn"])
        if sent is None:
            if row["caller_type"] == "AWSAccount":
                found["missing", *group] += 1
            continue
        if len(senders[sent]) > 1:
            found["shared", *group] += 1
        if len(sent) == 12 and sent.isdigit():
            found["an account number", *group] += 1
    return found


def entries_from_other_accounts(rows: list[dict]) -> collections.Counter:
    """Sessions by accounts, role and whether the caller's side is in the logs."""
    return collections.Counter(
        (row["caller_account_id"], row["role_account_id"], row["role_arn"], "no" if row["caller_type"] == "AWSAccount" else "yes")
        for row in issued(rows)
        if None not in (row["caller_account_id"], row["role_account_id"]) and row["caller_account_id"] != row["role_account_id"]
    )


def unusual_tags(rows: list[dict], percent: int) -> set[tuple]:
    """Finding, event and tag key, where a session carries other tags than its role's sessions do; the simulator writes a key in one case."""
    roles = collections.defaultdict(list)
    for row in issued(rows):
        if row["role_arn"] is not None and row["effective_tags_known"] and row["session_type"] != "Console":
            roles[row["role_arn"]].append((row["event_id"], set(row["effective_tags"] or {})))
    found = set()
    for sessions in roles.values():
        if len(sessions) < 10:
            continue
        carriers = collections.Counter(key for _, keys in sessions for key in keys)
        for event_id, keys in sessions:
            for key, often in carriers.items():
                if key not in keys and often * 100 >= len(sessions) * percent:
                    found.add(("lacks", event_id, key))
                if key in keys and often * 100 <= len(sessions) * (100 - percent):
                    found.add(("carries", event_id, key))
    return found


def odd_source_identities(rows: list[dict], percent: int) -> set[tuple]:
    """Finding and event, where a source identity is missing, changed, or not the origin's name."""
    roles = collections.defaultdict(list)
    for row in issued(rows):
        if row["role_arn"] is not None and row["session_type"] != "Console":
            roles[row["role_arn"]].append(row)
    found = set()
    for sessions in roles.values():
        with_it = sum(row["source_identity"] is not None for row in sessions)
        if with_it and with_it * 100 >= len(sessions) * percent:
            found |= {("missing", row["event_id"]) for row in sessions if row["source_identity"] is None}
    for row in issued(rows):
        said, before = row["source_identity"], row["caller_source_identity"]
        if None not in (said, before) and said != before:
            found.add(("changed", row["event_id"]))
        elif row["origin_known"] and said and (before is None or row["chain_depth"] == 0) and said != row["origin_name"]:
            found.add(("not the origin", row["event_id"]))
    return found


def holes(rows: list[dict], seconds: int) -> set[tuple]:
    """Account, region, and seconds of each stretch without a log object; and every log object that was not read."""
    places = collections.defaultdict(list)
    for row in rows:
        if row["kind"] == "log_object" and row["delivered_at"] is not None:
            delivered = datetime.datetime.fromisoformat(row["delivered_at"])
            places[row["account_id"], row["region"]].append((delivered, row["location"]))
    found = {(row["outcome"], row["location"], None) for row in rows if row["outcome"] in ("failed", "gone")}
    others = [row["location"] for row in rows if row["outcome"] == "extracted" and row["kind"] != "log_object"]
    if others:
        found.add(("delivery not told", min(others), None))
    for delivered in places.values():
        delivered.sort()
        for (before, _), (after, location) in zip(delivered, delivered[1:], strict=False):
            length = int((after - before).total_seconds())
            if length > seconds:
                found.add(("nothing delivered", location, length))
    return found


def descends(rows: list[dict], origin_arn: str) -> dict[str, str]:
    """The events at whose beginning an identity stands, or may stand, and which of the two."""
    by_id = {row["event_id"]: row for row in rows}
    of_origin = {row["event_id"] for row in rows if row["origin_known"] and row["origin_arn"] == origin_arn}
    found = dict.fromkeys(of_origin, "yes")
    for row in rows:
        choice = by_id.get(row["origin_event_id"], {})
        if choice.get("gap_reason") == "ambiguous" and of_origin & set(choice["link_candidates"]):
            found[row["event_id"]] = "may"
    return found


def lacking_policy(rows: list[dict], since: str, percent: int) -> set[str]:
    """The sessions without a session policy, of roles that usually get one, from anybody or from their kind of origin."""
    sessions = [row for row in issued(rows) if row["role_arn"] is not None and row["session_type"] != "Console"]
    groups = collections.defaultdict(list)
    for row in sessions:
        for group in (row["role_arn"], (row["role_arn"], row["origin_type"])):
            groups[group].append(row["session_scope_sha256"] is not None)
    usual = {group for group, have in groups.items() if any(have) and sum(have) * 100 >= len(have) * percent}
    return {
        row["event_id"] for row in sessions
        if row["session_scope_sha256"] is None and row["event_time"][:10] >= since
        and {row["role_arn"], (row["role_arn"], row["origin_type"])} & usual
    }


def alive(rows: list[dict], origin_arn: str, at: str) -> set[str]:
    """The sessions of an origin that had not expired at a moment; of those whose end is not logged, the ones of 36 hours."""
    moment = datetime.datetime.fromisoformat(at)
    found, of_origin = set(), descends(rows, origin_arn)
    for row in issued(rows):
        begun = datetime.datetime.fromisoformat(row["event_time"])
        ends = row["expires_at"] and datetime.datetime.fromisoformat(row["expires_at"])
        # Of a console session the log says fifteen minutes, and hours were asked for.
        if ends is None or ends - begun < datetime.timedelta(seconds=(row["duration_seconds"] or 0) - 60):
            ends = begun + datetime.timedelta(hours=36)
        if (row["event_id"] in of_origin or row["origin_arn"] == origin_arn) and begun <= moment <= ends:
            found.add(row["event_id"])
    return found
