"""How long the command line takes to answer when it has nothing to compute.

    python -m benchmarks.startup

Each call is a fresh process, timed from its start to its end, with the sources compiled and in the
page cache. The commands take turns, so that a busy minute of the machine meets all of them. The
processor's time stands beside, for on a machine that is shared a process waits for its turn.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

from benchmarks.report import spread, write_result

# What the installed script does, also where the sources are not installed.
PARLEY = (sys.executable, "-c", "from flows.cli import main; main()")
COMMANDS = {"parley --help": "≤ 1 s", "parley channels": "–"}
"""Commands with their targets."""


def call(command: str, home: str) -> tuple[float, float]:
    """Return the seconds of one call in a process of its own, by the clock and of the processor.

    Args:
        command: What a person types.
        home: Folder for whatever it leaves behind.

    Raises:
        RuntimeError: If it fails or says nothing, for then its time says nothing either.
    """
    environment = {**os.environ, "PARLEY_HOME": home}
    started, before = time.perf_counter(), _processor_seconds()
    done = subprocess.run(
        [*PARLEY, *command.split()[1:]], capture_output=True, check=False, env=environment
    )
    seconds, computed = time.perf_counter() - started, _processor_seconds() - before
    if done.returncode or not done.stdout.strip():
        raise RuntimeError(f"expected {command!r} to answer (got exit code {done.returncode})")
    return seconds, computed


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    asked = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {command: [] for command in COMMANDS}
    with tempfile.TemporaryDirectory() as home:
        # The first call of each compiles the sources and fills the page cache.
        for repeat in range(asked.repeats + 1):
            for command, values in times.items():
                taken = call(command, home)
                if repeat:
                    values.append(taken)
    result = {
        command: {
            "seconds": spread([seconds for seconds, _ in values]),
            "processor_seconds": spread([computed for _, computed in values]),
        }
        for command, values in times.items()
    }
    rows = [
        [
            f"`{command}`",
            *(f"{found['seconds'][which]:.2f} s" for which in ("median", "min", "max")),
            f"{found['processor_seconds']['median']:.2f} s",
            COMMANDS[command],
        ]
        for command, found in result.items()
    ]
    header = [
        "start to end of a fresh process",
        "median",
        "fastest",
        "slowest",
        "processor",
        "target",
    ]
    table = {"header": header, "rows": rows}
    write_result("startup", {**result, "table": table, "settings": vars(asked)})


if __name__ == "__main__":
    main()
