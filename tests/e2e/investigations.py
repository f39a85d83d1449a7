"""The saved investigations and views of infra/athena, as files that people and programs read."""

import dataclasses
import pathlib
import re

from stack import ROOT

ATHENA = ROOT / "infra/athena"
PARTS = ("Finds", "Read", "Scans")
TYPES = ("text", "day", "time", "number")
PLACEHOLDER = re.compile(r"\$([a-z][a-z0-9_]*)")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What somebody who runs an investigation must say."""

    name: str
    type: str
    meaning: str


@dataclasses.dataclass(frozen=True)
class Investigation:
    """One file: a question, what its answer means, and the SELECT that finds it."""

    name: str
    title: str
    parts: dict[str, str]
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def statement(self) -> str:
        """The name of its prepared statement."""
        return "trailback_" + self.name.replace("-", "_")

    @property
    def marks(self) -> list[str]:
        """The parameters in the order of the question marks."""
        return PLACEHOLDER.findall(self.sql)

    @property
    def positional(self) -> str:
        """The SQL with question marks, as Athena prepares it."""
        return PLACEHOLDER.sub("?", self.sql)


def parse(name: str, text: str) -> Investigation:
    """Reads the header of a file, and fails with the file's name at whatever does not keep to the form."""
    lines = text.splitlines()
    body = next(position for position, line in enumerate(lines) if not line.startswith("--"))
    comment = [line.removeprefix("--").removeprefix(" ") for line in lines[:body]]
    title, parts, parameters, current = comment[0], {}, [], None
    assert comment[1] == "", f"{name}: an empty comment line follows the title"
    for line in comment[2:]:
        part = re.match(r"(\w+): (.*)", line)
        parameter = re.match(r"\$(\w+) (\w+): (.*)", line)
        if line.startswith("  ") and parameters:
            last = parameters.pop()
            parameters.append(dataclasses.replace(last, meaning=f"{last.meaning} {line.strip()}"))
        elif line.startswith("  "):
            parts[current] += " " + line.strip()
        elif parameter:
            parameters.append(Parameter(*parameter.groups()))
        elif part:
            current = part[1]
            parts[current] = part[2]
        else:
            assert line == "", f"{name}: cannot read: {line}"
    return Investigation(name, title, parts, tuple(parameters), "\n".join(lines[body:]).strip() + "\n")


def investigations() -> list[Investigation]:
    """All saved investigations, by name."""
    files = sorted((ATHENA / "investigations").glob("*.sql"))
    return [parse(path.stem, path.read_text()) for path in files]


def views() -> dict[str, str]:
    """The SELECT of every view, comments apart, by name; a view comes after those that it reads."""
    left = {path.stem: without_comment(path) for path in sorted((ATHENA / "views").glob("*.sql"))}
    ordered = {}
    while left:
        ready = [name for name, sql in left.items() if not any(reads(sql, other) for other in left.keys() - {name})]
        assert ready, f"views that read each other: {sorted(left)}"
        ordered.update((name, left.pop(name)) for name in ready)
    return ordered


def reads(sql: str, name: str) -> bool:
    """Whether SQL names a table or view."""
    return re.search(rf"\b{name}\b", sql) is not None


def without_comment(path: pathlib.Path) -> str:
    """The SQL of a file without the comment at its top."""
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip() + "\n"
