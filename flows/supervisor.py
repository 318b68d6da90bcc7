"""Keeping a few long-lived processes alive, and ending all of them together."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from feedback.errors import OrchestrationError
from flows.health import HUNG_SECONDS, HealthWatch, answers
from flows.warden import Warden

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a process may take to end by itself."""
LONGEST_PAUSE = 60.0
"""Longest pause before a process that died is started again, seconds."""
SETTLED_SECONDS = 60.0
"""A process that lived so long is started again at once."""


@dataclass(frozen=True)
class Service:
    """One process to keep alive.

    Attributes:
        name: Short name, also of its log.
        command: What to run.
        environment: Its variables.
        health: Address that answers 200 once it is ready; empty for one without.
        port: Port on loopback that must be free; 0 for none. With one, ``health`` is its own, and
            is asked as long as it lives.
        page: Address to show to people; empty for none.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health: str = ""
    port: int = 0
    page: str = ""


@dataclass
class _Running:
    process: "subprocess.Popen[bytes]"
    started: float
    deaths: int = 0
    again_at: float = field(default=float("inf"))


class Supervisor:
    """Starts services in order, restarts those that die or hang, and stops all in reverse order."""

    def __init__(
        self,
        logs: Path,
        *,
        told: Callable[[str], None] = logger.info,
        patience: float = 180.0,
        clock: Callable[[], float] = time.monotonic,
        health: HealthWatch | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            logs: Folder that takes the output of each service.
            told: Told in one line of what happens.
            patience: Longest time until a service must be ready, seconds.
            clock: Seconds that only grow.
            health: Tells which services hang; None asks them itself.
        """
        self._logs, self._told, self._patience, self._clock = logs, told, patience, clock
        self._services: dict[str, Service] = {}
        self._running: dict[str, _Running] = {}
        self._stopping = False
        self._warden: Warden | None = None
        self._health = health or HealthWatch(clock=clock)

    def start(self, services: Sequence[Service]) -> None:
        """Start services at the same time and wait until all are ready.

        Args:
            services: What to start.

        Raises:
            OrchestrationError: If a port is taken, or one dies or is not ready in time.
        """
        for service in services:
            if service.port and not is_free(service.port):
                raise OrchestrationError(
                    f"expected port {service.port} of 127.0.0.1 free for {service.name} (got one "
                    f"that is taken); stop what uses it or choose with --{service.name}-port"
                )
        for service in services:
            self._services[service.name] = service
            self._running[service.name] = self._spawn(service)
        for service in services:
            self._wait_until_ready(service)
            self._told(f"{service.name} is up{f' at {service.page}' if service.page else ''}")

    def keep(self, pause: float = 0.5) -> None:
        """Restart what dies or hangs until ``stop`` is asked for, by a signal or another thread."""
        self._health.start()
        while not self._stopping:
            self.tend()
            time.sleep(pause)

    def tend(self) -> None:
        """Look at every service once: end who hangs, note who died, start again after a pause."""
        now = self._clock()
        if self._warden is not None and not self._warden.is_alive():
            self._warden.close()
            self._warden = Warden()
            for running in self._running.values():
                self._warden.watch(running.process.pid)
        hung = set(self._health.hung())
        for name, running in self._running.items():
            if name in hung and running.process.poll() is None and not self._stopping:
                self._told(f"{name} has not answered for {HUNG_SECONDS:.0f} s; ending it")
                self._end_group(running.process.pid)
                running.process.wait()
            if running.process.poll() is None or self._stopping:
                continue
            if running.again_at == float("inf"):
                settled = now - running.started > SETTLED_SECONDS
                running.deaths = 1 if settled else running.deaths + 1
                pause = min(LONGEST_PAUSE, 2.0 ** (running.deaths - 1))
                running.again_at = now + pause
                code = running.process.returncode
                self._told(f"{name} ended with {code}; starting it again in {pause:.0f} s")
            if now >= running.again_at:
                self._end_group(running.process.pid)
                again = self._spawn(self._services[name])
                again.deaths = running.deaths
                self._running[name] = again

    def ask_to_stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """End ``keep`` at its next look; fit to be a signal's handler."""
        self._stopping = True

    def stop(self) -> None:
        """Stop everything, the last started first; whatever does not end in time is killed."""
        self._stopping = True
        self._health.close()
        for name in reversed(list(self._running)):
            process = self._running.pop(name).process
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._told(f"{name} does not end by itself; killing it")
            self._end_group(process.pid)
            process.wait()
        if self._warden is not None:
            self._warden.close()
            self._warden = None

    def _spawn(self, service: Service) -> _Running:
        self._logs.mkdir(parents=True, exist_ok=True)
        if self._warden is None:
            self._warden = Warden()
        with (self._logs / f"{service.name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches the supervisor alone, which stops in order.
            process = subprocess.Popen(
                service.command,
                env=dict(service.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._warden.watch(process.pid)
        if service.port and service.health:
            self._health.watch(service.name, service.health)
        return _Running(process, self._clock())

    def _wait_until_ready(self, service: Service) -> None:
        process, until = self._running[service.name].process, self._clock() + self._patience
        log = self._logs / f"{service.name}.log"
        while service.health and not answers(service.health):
            if process.poll() is not None:
                raise OrchestrationError(
                    f"expected {service.name} to start (it ended with {process.returncode}); "
                    f"read {log}"
                )
            if self._clock() > until or self._stopping:
                raise OrchestrationError(
                    f"expected {service.name} to answer within {self._patience:.0f} s (got no "
                    f"answer); read {log}"
                )
            time.sleep(0.3)

    def _end_group(self, group: int) -> None:
        # What a service started, such as the process of a run, must not outlive it unseen.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        if self._warden is not None:
            self._warden.release(group)


def is_free(port: int) -> bool:
    """Tell whether a port on loopback is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
