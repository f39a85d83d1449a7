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
    """Origin and address, where the address is new since a day and the origin is not."""
    known, seen = collections.defaultdict(set), set()
    for row in rows:
        address = row["source_ip_address"]
        if not row["origin_known"] or address is None or ".amazonaws.com" in address or address.startswith("AWS Internal"):
            continue
        if row["event_time"][:10] < since:
            known[identity(row)].add(address)
        elif row["origin_type"] != "AWSService":
            seen.add((*identity(row), address))
    return {found for found in seen if found[:3] in known and found[3] not in known[found[:3]]}


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
        if row["role_arn"] is not None and row["effective_tags_known"]:
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
        if row["role_arn"] is not None:
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
        elif row["origin_known"] and row["chain_depth"] == 0 and None not in (said, row["origin_name"]) and said != row["origin_name"]:
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
    for delivered in places.values():
        delivered.sort()
        for (before, _), (after, location) in zip(delivered, delivered[1:], strict=False):
            length = int((after - before).total_seconds())
            if length > seconds:
                found.add(("nothing delivered", location, length))
    return found


def alive(rows: list[dict], origin_arn: str, at: str) -> set[str]:
    """The sessions of an origin that had not expired at a moment; of those whose end is not logged, the ones of 36 hours."""
    moment = datetime.datetime.fromisoformat(at)
    found = set()
    for row in issued(rows):
        begun = datetime.datetime.fromisoformat(row["event_time"])
        ends = row["expires_at"] and datetime.datetime.fromisoformat(row["expires_at"])
        # Of a console session the log says fifteen minutes, and hours were asked for.
        if ends is None or ends - begun < datetime.timedelta(seconds=(row["duration_seconds"] or 0) - 60):
            ends = begun + datetime.timedelta(hours=36)
        if row["origin_arn"] == origin_arn and begun <= moment <= ends:
            found.add(row["event_id"])
    return found
