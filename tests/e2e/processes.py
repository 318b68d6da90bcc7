"""Processes with names, that are started, killed and started again as they were."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.e2e.servers import all_below, process


class Processes:
    """What runs side by side, and ends with a block.

    Args:
        logs: Folder of a log for each name.
        stack: Ends every process with it.
    """

    def __init__(self, logs: Path, stack: contextlib.ExitStack) -> None:
        self.logs, self._stack = logs, stack
        self._running: dict[str, tuple[subprocess.Popen, contextlib.ExitStack]] = {}
        self._commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}

    def define(self, name: str, command: tuple[str, ...], env: dict[str, str]) -> None:
        """Say what a name stands for, and start nothing yet."""
        self._commands[name] = (command, env)

    def add(self, name: str, like: str) -> None:
        """Let there be another process of a kind."""
        self._commands[name] = self._commands[like]

    def start(self, name: str) -> None:
        """Start a process as it was defined."""
        line, variables = self._commands[name]
        block = self._stack.enter_context(contextlib.ExitStack())
        running = block.enter_context(process(line, variables, self.logs / f"{name}.log"))
        self._running[name] = (running, block)

    def pid(self, name: str) -> int | None:
        """Return the process's id; None when it does not live."""
        running = self._running.get(name)
        return None if running is None or running[0].poll() is not None else running[0].pid

    def kill(self, name: str) -> None:
        """Kill a process and all it started, as a machine that loses its power would."""
        running, block = self._running.pop(name)
        below = all_below(running.pid)
        block.close()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def told(self, name: str) -> str:
        """Return the end of a process's log."""
        log = self.logs / f"{name}.log"
        return log.read_text()[-4000:] if log.exists() else ""
