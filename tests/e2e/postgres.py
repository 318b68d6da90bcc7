"""PostgreSQL from its Debian package, on loopback, with databases for Prefect and MLflow."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.needed import missing
from tests.e2e.servers import free_port, process, wait_for

DATABASES = ("prefect", "mlflow", "mlflow_auth")


@dataclass(frozen=True)
class Postgres:
    """A server that is up.

    Attributes:
        programs: Folder of its programs.
        port: Where it listens.
        password: Of its user ``parley``.
    """

    programs: Path
    port: int
    password: str

    def url(self, database: str, driver: str = "postgresql") -> str:
        return f"{driver}://parley:{self.password}@127.0.0.1:{self.port}/{database}"

    def dump(self, database: str) -> bytes:
        """Return a database as text, a row a line."""
        done = subprocess.run(
            (self.programs / "pg_dump", "--inserts", "-h", "127.0.0.1", "-p", str(self.port),
             "-U", "parley", database),
            env={**os.environ, "PGPASSWORD": self.password}, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout


@contextlib.contextmanager
def postgres(logs: Path, password: str) -> Iterator[Postgres]:
    """Start a server with the databases, or skip the test where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("POSTGRES", "PostgreSQL is not installed (Debian: apt-get install postgresql)")
    programs = found[-1].parent
    # The server refuses to run as root, and its user cannot look into root's folders.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))
    try:
        (folder / "password").write_text(password)
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, user, user)
        data, port = folder / "data", free_port()
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups") if user else ()
        subprocess.run(
            (*as_user, programs / "initdb", "-D", data, "-U", "parley", "-E", "UTF8",
             "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}",
             "--no-sync"),
            check=True, capture_output=True,
        )  # fmt: skip
        command = (*as_user, programs / "postgres", "-D", data, "-p", str(port))
        quick = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        settings = [flag for value in quick for flag in ("-c", value)]
        with process((*command, *settings), dict(os.environ), logs / "postgres.log"):
            server = Postgres(programs, port, password)
            wait_for(lambda: _created(server), 60, "PostgreSQL")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _created(server: Postgres) -> bool:
    """Make the databases; false as long as the server does not answer."""
    made = [
        subprocess.run(
            (server.programs / "createdb", "-h", "127.0.0.1", "-p", str(server.port),
             "-U", "parley", name),
            env={**os.environ, "PGPASSWORD": server.password}, capture_output=True, text=True,
            check=False,
        )
        for name in DATABASES
    ]  # fmt: skip
    return all(done.returncode == 0 or "already exists" in done.stderr for done in made)
