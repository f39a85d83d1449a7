"""Runs everything of side_by_side.sh in turn, checks that all found the same records, and writes the table."""

import argparse
import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BEGIN, END = "<!-- side-by-side: `make side-by-side README=README.md` writes this -->", "<!-- /side-by-side -->"


@dataclasses.dataclass
class Contestant:
    """One way to do the job, and what its runs took."""

    name: str
    command: list[str]
    does: str
    cpu: list[float] = dataclasses.field(default_factory=list)
    wall: list[float] = dataclasses.field(default_factory=list)
    peak: list[float] = dataclasses.field(default_factory=list)
    found: tuple[str, ...] = ()

    def run(self, work: pathlib.Path) -> None:
        """Runs it once, all processes of it measured together."""
        subprocess.run(["rm", "-rf", str(work / "out")], check=True)
        (work / "out").mkdir()
        measure = ["/usr/bin/time", "-f", "%U %S %e %M", "-o", str(work / "took")]
        done = subprocess.run([*measure, *self.command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"side_by_side: {self.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        user, system, wall, peak = (work / "took").read_text().split()
        self.cpu.append(float(user) + float(system))
        self.wall.append(float(wall))
        self.peak.append(float(peak) / 1024)
        found = found_by_trailback(done.stdout) or tuple(done.stdout.split())
        if self.found not in ((), found):
            sys.exit(f"side_by_side: {self.name} found {self.found} and then {found}")
        self.found = found

    def median(self, what: str) -> float:
        """Of its runs."""
        return statistics.median(getattr(self, what))


def found_by_trailback(summary: str) -> tuple[str, ...]:
    """Records of issuing calls, sessions, sessions linked by key and by context, out of the summary of an ingest."""
    numbers = re.search(r"([\d,]+) issuances \+ ([\d,]+) witnesses[\s\S]*linked +([\d,]+) = [\d,]+ by origins "
                        r"\+ ([\d,]+) by issued\s+key \+ ([\d,]+) by session\s+context", summary)  # fmt: skip
    if not numbers:
        return ()
    issuances, witnesses, sessions, by_key, by_context = (int(number.replace(",", "")) for number in numbers.groups())
    return tuple(str(number) for number in (issuances + witnesses, sessions, by_key, by_context))


def contestants(trailback: str, day: pathlib.Path, work: pathlib.Path) -> list[Contestant]:
    """Who runs. The first two are what the others are measured by."""
    out, lake, python = str(work / "out/rows"), str(work / "out/lake"), sys.executable
    jaq = str(pathlib.Path(sys.executable).with_name("jaq"))
    objects = f"find {shlex.quote(str(day))} -name '*.json.gz' -print0 | xargs -0 gzip -dc"
    version = importlib.metadata.version
    jq = subprocess.run(["jq", "--version"], capture_output=True, text=True, check=True).stdout.strip().replace("-", " ")
    # No progress bar, and lines that are not broken.
    ingest = ["env", "COLUMNS=500", trailback, "ingest", str(day), "--lake", lake]

    def script(name: str, *arguments: str) -> list[str]:
        return [python, "-B", str(HERE / name), *arguments, str(day), out]

    return [
        Contestant("`gzip -dc`", ["sh", "-c", f"{objects} >/dev/null"], "unpacks"),
        Contestant("**`trailback ingest --no-hash`**", [*ingest, "--no-hash"], "the job, and all of the table `sessions`"),
        Contestant("`trailback ingest`", ingest, "the same, and the SHA-256 of each log object"),
        Contestant(f"Python, orjson {version('orjson')}", script("with_python.py", "orjson"), "the job"),
        Contestant("Python, json", script("with_python.py", "json"), "the job"),
        Contestant(f"chDB {version('chdb')} (ClickHouse)", script("with_chdb.py"), "the job"),
        Contestant(f"jaq {version('astral-dev-toolchain-jaq')}", [str(HERE / "with_jq.sh"), jaq, str(day), out], "the job"),
        Contestant(jq, [str(HERE / "with_jq.sh"), "jq", str(day), out], "the job"),
        Contestant(f"Polars {version('polars')}", script("with_polars.py"), "the job"),
        Contestant(f"DuckDB {version('duckdb')}", script("with_duckdb.py"), "the job"),
    ]


def hold_to_each_other(ran: list[Contestant]) -> None:
    """All found the same records; the alternatives also the same rows and the same parents."""
    gzip, *others = ran
    assert gzip.found == (), gzip.found
    records = {contestant.name: contestant.found[:1] for contestant in others}
    if len(set(records.values())) != 1 or () in records.values():
        sys.exit(f"side_by_side: they found different numbers of records: {records}")
    alternatives = {contestant.name: contestant.found for contestant in others if "trailback" not in contestant.name}
    if len(set(alternatives.values())) != 1:
        sys.exit(f"side_by_side: the alternatives did not do the same job: {alternatives}")


def table(ran: list[Contestant], day: str, rounds: int) -> str:
    """What goes into the README."""
    gzip, trailback, with_hash, *alternatives = ran
    unit, yardstick = trailback.median("cpu"), gzip.median("cpu")
    lines = [
        f"{day}; medians of {rounds} rounds in which all ran in turn, {os.cpu_count()} cores, "
        f"{datetime.datetime.now(datetime.UTC):%B %Y}:",
        "",
        "| | CPU time, s | to `gzip -dc` | to Trailback | Wall time, s | Peak memory, MB | Does |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for contestant in [gzip, trailback, with_hash, *sorted(alternatives, key=lambda other: other.median("cpu"))]:
        cpu = contestant.median("cpu")
        lines.append(
            f"| {contestant.name} | {cpu:.2f} | {cpu / yardstick:.2f} | {cpu / unit:.1f} | {contestant.median('wall'):.1f} "
            f"| {contestant.median('peak'):.0f} | {contestant.does} |"
        )
    _, sessions, by_key, by_context = trailback.found
    records, rows, joined = alternatives[0].found
    with_it = 100 * (with_hash.median("cpu") / unit - 1)
    lines += [
        "",
        f"All found the same {int(records):,} records of issuing calls. The alternatives made {int(rows):,} rows of them, one an event ID, and "
        f"joined {int(joined):,} to a parent by its key; Trailback made {int(sessions):,} sessions, copies merged, and linked {int(by_key):,} by "
        f"key and {int(by_context):,} by session context. The hash of each log object for the ledger costs {with_it:.0f} % of CPU time on top.",
    ]
    return "\n".join(lines)


def put_between_marks(readme: pathlib.Path, text: str) -> None:
    """Replaces what stands between the marks of a page."""
    page = readme.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"side_by_side: {readme} lacks the lines {BEGIN} and {END}")
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    """Reads the arguments, runs, checks, writes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("day", "work", "table"):
        arguments.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments.add_argument("--trailback", required=True)
    arguments.add_argument("--rounds", type=int, required=True)
    arguments.add_argument("--readme", type=pathlib.Path)
    given = arguments.parse_args()

    objects = list(given.day.rglob("*.json.gz"))
    size = subprocess.run(
        ["sh", "-c", f"find {shlex.quote(str(given.day))} -name '*.json.gz' -print0 | xargs -0 gzip -dc | wc -c"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    day = f"One simulated day: {len(objects):,} log objects, {int(size) / 1e6:,.0f} MB unpacked"
    all_of_them = contestants(given.trailback, given.day, given.work)
    for turn in range(given.rounds):
        # Each begins a round once, so that what ran before is not always the same.
        for contestant in all_of_them[turn:] + all_of_them[:turn]:
            contestant.run(given.work)
            print(f"round {turn + 1}: {contestant.name} {contestant.cpu[-1]:.2f} s of CPU", file=sys.stderr)
    hold_to_each_other(all_of_them)
    text = table(all_of_them, day, given.rounds)
    given.table.write_text(text + "\n")
    print(text)
    if given.readme:
        put_between_marks(given.readme, text)


if __name__ == "__main__":
    main()
