"""Check what two identical demo runs reported: all parts there, and the second computed nothing.

python .ci/check_reports.py FIRST.json SECOND.json
"""

import json
import sys
from pathlib import Path

KEYS = {
    "": {"dataset", "stages", "reasoner", "edited_classes", "edits", "arms", "paired", "decision"},
    "dataset": {"path", "md5", "classes", "train", "test", "pool"},
    "reasoner": {"agreement", "l1"},
    "arms": {"original", "unmodified_graph", "edited_graph"},
    "decision": {"promote", "reasons"},
    "model": {"name", "version", "alias"},
}


def find_problems(first: dict, second: dict) -> list[str]:
    """Return what is wrong with two reports of the same run, one sentence each."""
    problems = []
    for part, keys in KEYS.items():
        missing = keys - set(first.get(part, {}) if part else first)
        if missing:
            problems.append(f"the report lacks {', '.join(sorted(missing))} in {part or 'itself'}")
    groups = {"edited_classes", "other_classes", "all"}
    for arm, scores in first.get("arms", {}).items():
        if set(scores) != groups:
            problems.append(f"arm {arm} has the groups {sorted(scores)}")
    if not first.get("edits"):
        problems.append("the simulated reviewer changed nothing")
    computed = [stage["name"] for stage in second.get("stages", []) if not stage["reused"]]
    if computed or not second.get("stages"):
        problems.append(f"the second run computed {', '.join(computed) or 'without stages'}")
    same = ("dataset", "arms", "edits", "decision")
    problems += [f"the runs differ in {key}" for key in same if first.get(key) != second.get(key)]
    return problems


def main() -> None:
    """Read the two files and exit with 1 when something is wrong."""
    first, second = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    problems = find_problems(first, second)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or "both reports are right\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
