"""Makes one function's bill of materials exact: `sbom.py FUNCTION WRITTEN OUT`, with `cargo tree` of all functions on standard input. See sbom.sh.

cargo-cyclonedx asks cargo for the whole workspace at once, and so lists also what only the command line and tests want of shared crates.
"""

import json
import pathlib
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def compiled_into(function: str) -> set[tuple[str, str]]:
    """Names and versions of the crates below a function, by cargo's own account: lines of `name v1.2.3 (place)`, a tree an empty line."""
    trees = (tree.splitlines() for tree in sys.stdin.read().split("\n\n"))
    [(_, *below)] = [tree for tree in trees if tree[0].startswith(f"trailback-function-{function} ")]
    return {(name, version.removeprefix("v")) for name, version, *_ in map(str.split, below)}


def exact(bill: dict, compiled: set[tuple[str, str]]) -> dict:
    """The bill without what is not compiled in; all that is compiled in must be there, with its licence, and with its hash if it comes from outside."""
    components = [one for one in bill["components"] if (one["name"], one["version"]) in compiled]
    if missing := compiled - {(one["name"], one["version"]) for one in components}:
        sys.exit(f"sbom: cargo-cyclonedx lists no {sorted(missing)}")
    if unlicensed := [one["name"] for one in components if not one.get("licenses")]:
        sys.exit(f"sbom: no licence is known of {unlicensed}")
    if unknown := [one["name"] for one in components if not one.get("hashes") and not one["name"].startswith("trailback-")]:
        sys.exit(f"sbom: no hash is known of {unknown}")
    kept = {one["bom-ref"] for one in [bill["metadata"]["component"], *components]}
    dependencies = [
        {**one, "dependsOn": [other for other in one.get("dependsOn", []) if other in kept]}
        for one in bill["dependencies"]
        if one["ref"] in kept
    ]
    return {**bill, "components": components, "dependencies": dependencies}


def main() -> None:
    """Reads, makes exact, holds to the schema, writes."""
    function, written, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    # Where this clone lies is nobody's concern, and the same commit gives the same document.
    text = written.read_text().replace(pathlib.Path.cwd().as_uri(), "file:///trailback")
    bill = exact(json.loads(text), compiled_into(function))
    text = json.dumps(bill, indent=2) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_5).validate_str(text):
        sys.exit(f"sbom: {out} would not be CycloneDX 1.5: {wrong}")
    out.write_text(text)
    print(f"{out}: {len(bill['components'])} components, each with its licence, those from outside with their hash")


if __name__ == "__main__":
    main()
