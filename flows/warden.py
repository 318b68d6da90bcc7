"""``python -m flows.warden``: ends what a process started when that process could not.

Told on stdin which process groups to look after. However its parent dies, kill -9 included, the
kernel closes the pipe, and every group that was not released is ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 10.0
"""How long a group may take to end by itself."""
_WATCH, _RELEASE = "watch", "release"


class Warden:
    """The parent's end: a process that outlives its parent by as long as it takes to tidy up."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.warden"],
            stdin=subprocess.PIPE,
            # Ctrl-C is the parent's to deal with.
            start_new_session=True,
        )

    def is_alive(self) -> bool:
        """Return whether it could still end anything."""
        return self._process.poll() is None

    def watch(self, group: int) -> None:
        """Look after a process group from now on."""
        self._tell(_WATCH, group)

    def release(self, group: int) -> None:
        """Forget a group that has ended; its number may be another's soon."""
        self._tell(_RELEASE, group)

    def close(self) -> None:
        """End the warden, and with it every group that was not released."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, word: str, group: int) -> None:
        if self._process.stdin is None or self._process.stdin.closed:
            return
        # A warden that was killed protects nobody, which is no reason to end what runs.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{word} {group}\n".encode())
            self._process.stdin.flush()


def keep_watch(lines: Iterable[str], grace: float = GRACE_SECONDS) -> None:
    """Take orders until there are no more, then end what is left.

    Args:
        lines: ``watch N`` and ``release N``.
        grace: Seconds between asking a group to end and killing it.
    """
    groups: set[int] = set()
    for line in lines:
        word, _, number = line.strip().partition(" ")
        if word == _WATCH:
            groups.add(int(number))
        elif word == _RELEASE:
            groups.discard(int(number))
    for group in groups:
        _signal(group, signal.SIGTERM)
    until = time.monotonic() + grace
    while any(_signal(group, 0) for group in groups) and time.monotonic() < until:
        time.sleep(0.1)
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group; False when there is no such group any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    keep_watch(sys.stdin)
