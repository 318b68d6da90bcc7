"""What ``parley doctor`` finds, names with a remedy, and leaves out where nothing is set up."""

import http.server
import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.audit import AuditLog, Event
from feedback.canonical import sha256_hex
from feedback.errors import (
    AccessDeniedError,
    AuditError,
    OrchestrationError,
    ParleyError,
    PolicyError,
    ReviewerError,
)
from feedback.store import LocalStore
from flows.checks import exchange, services
from flows.commands import doctor
from flows.ports import Ports
from tasks.access import IDENTITIES, bucket_policy
from tests.guarded import GuardedStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(settings):
    return LocalStore(Path(settings.store_url()))


@contextmanager
def listening(status, words):
    """Answer every question on a free port of loopback with the same words."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *told):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def on_ports(monkeypatch, **ports):
    """Let ``parley up`` listen by default on these ports, and on free ones else."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for found in (one, two, three):
            found.bind(("127.0.0.1", 0))
        free = [found.getsockname()[1] for found in (one, two, three)]
    chosen = dict(zip(("prefect", "mlflow", "page"), free, strict=True)) | ports
    monkeypatch.setattr(Ports, "__init__", lambda self: self.__dict__.update(chosen))
    return chosen


@pytest.mark.parametrize("user", [one.name for one in IDENTITIES if one.reads])
def test_every_kind_of_process_may_try_the_store_under_the_buckets_policy(store, monkeypatch, user):
    guarded = GuardedStore(store, bucket_policy("parley"), user)
    monkeypatch.setattr("feedback.store.open_store", lambda url, **options: guarded)
    assert exchange.object_storage() == "s3://parley takes writes, one writer winning"
    assert list(store.list()) == []


def test_a_key_that_may_not_try_the_store_is_told_so(store, monkeypatch):
    guarded = GuardedStore(store, bucket_policy("parley"), "parley-use")
    monkeypatch.setattr("feedback.store.open_store", lambda url, **options: guarded)
    with pytest.raises(AccessDeniedError, match="probe/"):
        exchange.object_storage()


def test_nothing_is_said_of_what_is_not_set_up(settings, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PARLEY_POLICY", raising=False)
    checks = (services.dead_runs, exchange.policy, exchange.reviewers, exchange.audit_log)
    assert [check() for check in checks] == [None] * 4


def test_every_failing_check_is_a_line_and_the_others_are_looked_at(monkeypatch, capsys):
    def wrong():
        raise ParleyError("expected a [bold] thing (got none); do this")

    checks = (("first", wrong), ("second", lambda: None), ("third", lambda: "fine"))
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert not doctor.diagnose()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(None, 2) for line in lines] == [
        ["✗", "first", "expected a [bold] thing (got none); do this"],
        ["✓", "third", "fine"],
    ]
    monkeypatch.setattr(doctor, "CHECKS", checks[1:])
    assert doctor.diagnose()


def test_a_prefect_server_that_is_away_or_wants_a_password_is_named_with_the_remedy(settings):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        temporary_settings({PREFECT_API_URL: "http://ada:hunter2@127.0.0.1:9/api"}),
        pytest.raises(OrchestrationError, match=r"start it with `parley up`") as away,
    ):
        services.prefect_server()
    assert "hunter2" not in str(away.value)
    with listening(401, b"{}") as port:
        url = f"http://127.0.0.1:{port}/api"
        told = r"status 401.*PREFECT_API_AUTH_STRING"
        with (
            temporary_settings({PREFECT_API_URL: url}),
            pytest.raises(OrchestrationError, match=told),
        ):
            services.prefect_server()
    with listening(200, b'"3.8.8"') as port:
        url = f"http://127.0.0.1:{port}/api"
        with temporary_settings({PREFECT_API_URL: url}):
            assert services.prefect_server() == f"Prefect 3.8.8 answers at {url}"


def test_ports_are_free_or_taken_by_our_own(settings, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    chosen = on_ports(monkeypatch)
    assert services.ports() == (
        f"{chosen['prefect']} free for prefect, {chosen['mlflow']} free for mlflow, "
        f"{chosen['page']} free for page"
    )
    with listening(200, b"OK") as port:
        on_ports(monkeypatch, mlflow=port)
        assert f"{port} is mlflow" in services.ports()
    with listening(200, b"<title>Somebody's wiki</title>") as port:
        on_ports(monkeypatch, page=port)
        with pytest.raises(OrchestrationError, match=rf"port {port} .*--page-port"):
            services.ports()
    # A server of others, which is used in place of an own one, leaves its port alone.
    with listening(200, b"something else") as port:
        on_ports(monkeypatch, prefect=port)
        monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example.org/api")
        assert "prefect" not in services.ports()


def test_a_page_behind_a_proxy_is_known_by_the_header_that_it_misses(settings, monkeypatch):
    told = b"expected one plain name in X-Forwarded-User (got ''); sign in again"
    with listening(401, told) as port:
        on_ports(monkeypatch, page=port)
        with pytest.raises(OrchestrationError):
            services.ports()
        monkeypatch.setenv("PARLEY_PAGE_IDENTITY_HEADER", "X-Forwarded-User")
        assert f"{port} is page" in services.ports()


def test_runs_whose_process_was_killed_are_counted(settings):
    notes = settings.home / "running"
    notes.mkdir(parents=True)
    assert services.dead_runs() == "none"
    for number in range(4):
        note = {"host": socket.gethostname(), "recovered": 0}
        (notes / f"run-{number}.json").write_text(json.dumps(note))
    with pytest.raises(OrchestrationError, match=r"got 4: run-0, run-1, run-2, ….*parley recover"):
        services.dead_runs()


def test_a_policy_that_cannot_be_read_is_named(settings, monkeypatch, tmp_path):
    path = tmp_path / "policy.yaml"
    monkeypatch.setenv("PARLEY_POLICY", str(path))
    with pytest.raises(PolicyError, match="check the path"):
        exchange.policy()
    path.write_text("schema_version: 1\nname: pair\nroles: {domain: {}, ml: {}}\n")
    assert exchange.policy() == f"pair of {path}: domain, ml"


def test_a_role_that_nobody_holds_and_a_page_that_is_not_enrolled_are_named(
    settings, monkeypatch, parley
):
    monkeypatch.setenv("PARLEY_POLICY", "signed")
    with pytest.raises(ReviewerError, match=r"as 'reviewer'.*parley reviewers add NAME --role"):
        exchange.reviewers()
    assert parley("reviewers", "add", "ada", "--role", "reviewer", "--generate", "ada.key")[0] == 0
    assert exchange.reviewers() == "1 enrolled"
    # Ada's key is a good one, and not the page's.
    monkeypatch.setenv("PARLEY_PAGE_KEY", "ada.key")
    with pytest.raises(ReviewerError, match=r"the page 'page' enrolled .*add page --page"):
        exchange.reviewers()
    assert parley("reviewers", "add", "page", "--page", "--generate", "page.key")[0] == 0
    monkeypatch.setenv("PARLEY_PAGE_KEY", "page.key")
    assert exchange.reviewers() == "page page signs, 1 enrolled"
    assert parley("reviewers", "revoke", "ada", "--why", "left")[0] == 0
    with pytest.raises(ReviewerError, match="nobody"):
        exchange.reviewers()


def test_an_audit_log_that_was_changed_is_named(store):
    key = "promotions/m/000001.json"
    store.put(key, b"{}")
    with pytest.raises(AuditError, match=rf"{key} is not in the log.*parley audit verify"):
        exchange.audit_log()
    entry = Event("decision", key, sha256_hex(b"{}"), "APPROVED")
    AuditLog(store).append(entry, NOW)
    assert exchange.audit_log() == "1 entries, unbroken"
    link = "audit/2026-11/00000001.json"
    store.put(link, store.get(link).replace(b"APPROVED", b"REJECTED"))
    with pytest.raises(AuditError, match="broken link"):
        exchange.audit_log()
