"""Checks of servers and processes: tracking, Prefect, the ports of ``parley up``, dead runs."""

import urllib.error
import urllib.request

from feedback.errors import OrchestrationError
from flows.ports import Ports
from flows.supervisor import Service, is_free
from tasks.settings import Settings

MOST_NAMED = 3
"""Dead runs that are named; the rest is counted."""
_MOST_READ = 65_536


def tracking() -> str:
    """Check that the tracking store opens.

    Raises:
        TrackingError: If it does not.
    """
    from tasks.tracking_store import count_runs

    return f"{count_runs(Settings())} runs in the experiment {Settings().experiment!r}"


def prefect_server() -> str | None:
    """Check that the Prefect server answers and takes the password, where one is named.

    Raises:
        OrchestrationError: If it does not.
    """
    from prefect.settings import PREFECT_API_URL

    from tasks.orchestration import impatient_client
    from tasks.tracking_store import without_password

    url = PREFECT_API_URL.value()
    if not url:
        return None
    shown = without_password(url)
    try:
        with impatient_client() as client:
            found = client.api_version()
    # Whatever the server's client raises, the server does not do its work.
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        got = f"status {status}" if status else type(error).__name__
        raise OrchestrationError(
            f"expected the Prefect server at {shown} to answer (got {got}); start it with "
            "`parley up`, or correct PREFECT_API_URL and PREFECT_API_AUTH_STRING"
        ) from None
    return f"Prefect {found} answers at {shown}"


def ports() -> str:
    """Check that the ports of ``parley up`` are free, or taken by what it starts there.

    Raises:
        OrchestrationError: If something else listens on one.
    """
    from flows.commands.up import services

    settings = Settings()
    servers, workers = services(settings, Ports(), None, (), policy=settings.policy, cron=None)
    found = []
    for service in (*servers, *workers):
        if not service.port:
            continue
        free = is_free(service.port)
        if not free and not _is_ours(service, settings):
            raise OrchestrationError(
                f"expected port {service.port} of 127.0.0.1 free for {service.name} (got something "
                f"else there); stop it, or choose another one with --{service.name}-port"
            )
        found.append(f"{service.port} {'free for' if free else 'is'} {service.name}")
    return ", ".join(found)


def dead_runs() -> str | None:
    """Check that no run of this host lies dead, where deployed runs were ever started.

    Raises:
        OrchestrationError: If some do.
    """
    from tasks.liveness import find_dead

    home = Settings().home
    if not (home / "running").is_dir():
        return None
    dead = [run.flow_run for run in find_dead(home) if not run.handed_back]
    if dead:
        named = ", ".join(dead[:MOST_NAMED]) + (", …" if len(dead) > MOST_NAMED else "")
        raise OrchestrationError(
            f"expected no run whose process was killed (got {len(dead)}: {named}); start them "
            "again with `parley recover`"
        )
    return "none"


def _is_ours(service: Service, settings: Settings) -> bool:
    """Tell whether what listens on a port says what our service says there."""
    words = {"prefect": "true", "mlflow": "OK", "page": "Parley"}
    wanted = [words[service.name]]
    if service.name == "page" and settings.page_identity_header:
        # Behind a proxy the page refuses who comes past it, and says which header it missed.
        wanted.append(settings.page_identity_header)
    try:
        with urllib.request.urlopen(service.health, timeout=2) as reply:
            told = reply.read(_MOST_READ)
    except urllib.error.HTTPError as refusal:
        with refusal:
            told = refusal.read(_MOST_READ)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return any(word.encode() in told for word in wanted)
