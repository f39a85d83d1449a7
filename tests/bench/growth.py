"""Keeps what the benchmark `hour` said, and draws it: growth.py add SESSIONS_A_DAY FILE, growth.py draw."""

import csv
import re
import sys
from pathlib import Path

TABLE = Path("docs/scale/growth.tsv")
PLOT = Path("docs/scale/growth.svg")
COLUMNS = ["sessions_a_day", "sessions", "behind", "seconds", "cpu_seconds", "peak_mb", "requests", "read_mb"]
SAID = re.compile(
    r"(\d+) sessions of one hour, (\d+) before it: ([\d.]+)(ms|s), ([\d.]+)(ms|s) CPU, peak (\d+) MB, (\d+) requests, (\d+) MB read"
)


def add(a_day: str, said: Path) -> None:
    found = SAID.search(said.read_text())
    if not found:
        sys.exit(f"growth: {said} has no line of the benchmark")
    sessions, behind, time, unit, cpu, cpu_unit, *rest = found.groups()
    seconds = lambda number, unit: f"{float(number) / (1000 if unit == 'ms' else 1):g}"
    rows = [row for row in read() if row["sessions_a_day"] != a_day]
    values = [a_day, sessions, behind, seconds(time, unit), seconds(cpu, cpu_unit), *rest]
    rows.append(dict(zip(COLUMNS, values)))
    rows.sort(key=lambda row: int(row["sessions_a_day"]))
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def draw() -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same bytes each time.
    matplotlib.rcParams.update({"svg.hashsalt": "trailback", "font.size": 9})
    from matplotlib import pyplot

    rows = read()
    sessions = [int(row["sessions"]) for row in rows]
    figure, panels = pyplot.subplots(1, 2, figsize=(8, 3.2))
    for panel, column, name in zip(panels, ["cpu_seconds", "peak_mb"], ["CPU seconds", "peak memory, MB"]):
        values = [float(row[column]) for row in rows]
        panel.loglog(sessions, values, "o-", label="measured")
        per_session = values[-1] / sessions[-1]
        panel.loglog(sessions, [per_session * count for count in sessions], "--", color="grey", label="linear")
        panel.set_xlabel("sessions in the hour")
        panel.set_title(name)
        panel.grid(True, alpha=0.3)
        panel.legend()
    figure.tight_layout()
    figure.savefig(PLOT, metadata={"Date": None})


match sys.argv[1:]:
    case ["add", a_day, said]:
        add(a_day, Path(said))
    case ["draw"]:
        draw()
    case _:
        sys.exit(__doc__)
