"""kill -9 at random moments while reviews arrive: nothing is lost, doubled, or approved by nobody.

``PARLEY_KILLS=200 pytest tests/e2e/test_many_kills.py`` is the whole of it; a normal run is short.
``PARLEY_KILL_SECONDS`` ends the killing earlier on a busy machine; what was done is printed.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from feedback.audit_check import verify
from feedback.exchange import list_requests
from feedback.layout import ACCEPTED, DECISIONS, INBOX, parse_upload_key, receipt_key, rejection_key
from feedback.recording import load_decisions
from feedback.signing import generate_key, save_key
from feedback.states import ReviewState
from feedback.store import open_store
from flows.commands.enrolling import new_record, stand
from tests.e2e.dying import POLICY, REVIEWERS, verdict_of
from tests.e2e.gateway import USERS, furnish, gateway, need_gateway
from tests.e2e.servers import ROOT, environment, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = int(os.environ.get("PARLEY_KILLS", "10"))
SECONDS = float(os.environ.get("PARLEY_KILL_SECONDS", "600"))
SEED = int(os.environ.get("PARLEY_KILLS_SEED", "1"))
CAST = ("publisher", "watcher-1", "watcher-2", "promoter", *REVIEWERS)


class Cast:
    """Processes that are started again as soon as they were killed."""

    def __init__(self, url, folder, env):
        self._url, self._folder, self._env = url, folder, env
        self._running = {name: self._start(name) for name in CAST}
        self.kills = Counter()

    def _start(self, name):
        role = name.split("-")[0]
        with (self._folder / f"{name}.log").open("ab") as log:
            command = (sys.executable, "-m", "tests.e2e.dying", role, self._url, str(self._folder))
            return subprocess.Popen(command, env=self._env, stdout=log, stderr=log, cwd=ROOT)

    def kill(self, name):
        process = self._running[name]
        assert process.poll() is None, (name, (self._folder / f"{name}.log").read_text()[-2000:])
        process.kill()
        process.wait(30)
        self.kills[name] += 1
        self._running[name] = self._start(name)

    def end(self):
        for process in self._running.values():
            process.kill()
            process.wait(30)


def enrol_all(store, folder):
    now = datetime.now(UTC)
    for name in REVIEWERS:
        key = generate_key()
        save_key(key, folder / f"{name}.key")
        keys = [key.public_key]
        record = new_record(name, ["reviewer"], keys, is_page=False, by="root", now=now)
        stand(store, record, now)


@pytest.fixture(params=["folder", "gateway"])
def place(request, tmp_path, monkeypatch):
    """A store, how its processes reach it, and what kills its server if it has one."""
    with ExitStack() as stack:
        env = environment(tmp_path / "home")
        if request.param == "folder":
            yield str(tmp_path / "store"), env, None
            return
        service = stack.enter_context(
            gateway(tmp_path / "s3", dict.fromkeys(("owner", *USERS), "k" * 40))
        )
        if not service.is_real:
            need_gateway()  # the double forgets all when killed
        furnish(service, tmp_path / "s3")
        for name, value in service.environment("owner").items():
            monkeypatch.setenv(name, value)
        yield "s3://parley", env | service.environment("owner"), service.kill


def test_nothing_is_lost_or_doubled_however_often_processes_are_killed(place, tmp_path, capsys):
    url, env, kill_server = place
    dice = random.Random(SEED)
    store = open_store(url)
    enrol_all(store, tmp_path)
    n_requests = max(6, KILLS // 4)
    (tmp_path / "wanted").write_text(str(n_requests))
    cast = Cast(url, tmp_path, env)
    n_server = 0
    try:
        time.sleep(2)
        until = time.monotonic() + SECONDS
        for number in range(KILLS):
            if time.monotonic() > until:
                break
            time.sleep(dice.uniform(0.1, 1.2))
            if kill_server is not None and number % 8 == 7:
                kill_server()
                n_server += 1
                time.sleep(2)
            else:
                cast.kill(dice.choice(CAST))
        wait_for(
            lambda: len(store.list(DECISIONS)) >= n_requests and all_is_said(store, n_requests),
            300,
            "every request to end",
        )
    finally:
        cast.end()
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "UNEXPECTED" not in logs
    assert "Traceback" not in logs
    # What was left half-done by the last kill is done by the next look of anybody.
    finish(store)
    told = judge(store, tmp_path, n_requests)
    with capsys.disabled():
        killed = ", ".join(f"{name} {count}" for name, count in sorted(cast.kills.items()))
        total = n_server + cast.kills.total()
        print(f"\n{total} kills (server {n_server}, {killed}): {told}")


def all_is_said(store, n_requests):
    states = [load_decisions(store, bundle.request_id) for bundle in list_requests(store)]
    ended = {ReviewState.PROMOTED, ReviewState.REJECTED, ReviewState.CHANGES_REQUESTED}
    return len(states) == n_requests and all(s and s[-1].state in ended for s in states)


def finish(store):
    from feedback.watching import watch_once

    for _ in range(2):
        watch_once(store, POLICY, datetime.now(UTC))


def judge(store, folder, n_requests):
    """Check every promise against what lies in the store, and return what was found in words."""
    uploads = [info.key for info in store.list(INBOX)]
    requests = list_requests(store)
    assert len(requests) == n_requests
    answered = set()
    for key in uploads:
        request_id = key.split("/")[1]
        accepted = store.exists(receipt_key(request_id, key))
        refused = store.exists(rejection_key(request_id, key))
        assert accepted != refused, key
        answered.add((request_id, *parse_upload_key(key)))
    noted = 0
    for name in REVIEWERS:
        for line in (folder / f"{name}.ledger").read_text().splitlines():
            request_id, nonce = line.split()
            if nonce != "closed":
                noted += 1
                assert (request_id, name, nonce) in answered, line
    states = Counter()
    for bundle in requests:
        decisions = load_decisions(store, bundle.request_id)
        first = decisions[0]
        by = {response.document.reviewer: response.document for response in first.responses}
        for name, document in by.items():
            assert document.verdict == verdict_of(bundle.request_id, name)
        if first.state is ReviewState.APPROVED:
            assert len([d for d in by.values() if d.verdict == "approve"]) >= 2
            assert [d.state for d in decisions[1:]] == [ReviewState.PROMOTED]
        else:
            assert len(decisions) == 1
        states[first.state.value] += 1
    check = verify(store)
    assert check.broken == ""
    assert check.changed == ()
    assert store.list(ACCEPTED)
    return f"{noted} answers handed in, {dict(states)}, {check.entries} entries of the audit hold"
