"""The bucket's policy on the gateway itself: who may not write is refused by the server."""

import os
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from feedback import layout
from feedback.errors import AccessDeniedError, StoreError
from feedback.parking import ParkedRun, list_parked, park, unpark
from feedback.probing import probe_conditional_writes
from feedback.publishing import publish
from feedback.waiting import wait_for_decision
from tests.e2e.gateway import BUCKET, USERS, OwnStore, furnish, gateway, need_gateway
from tests.e2e.servers import ROOT
from tests.review_request import FILES, make_answer, make_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway") / "s3"
    with gateway(folder, {user: f"{user}-{'k' * 30}" for user in ("owner", *USERS)}) as made:
        if not made.is_real:
            need_gateway()  # the double knows no policies
        furnish(made, folder)
        yield made


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("parley-page", "inbox/r-1/ada/nonce-0001.json"),
        ("parley-watcher", "decisions/r-1/0001.json"),
        ("parley-runs", "decisions/r-1/0002.json"),
        ("parley-runs", "reviews/r-1/manifest.json"),
        ("parley-operator", "reviewers/ada.json"),
        ("reviewer-ada", "inbox/r-1/ada/nonce-0002.json"),
    ],
)
def test_who_writes_a_kind_of_key_may_once(service, user, key):
    client = service.client(user)
    client.put_object(Bucket=BUCKET, Key=key, Body=b"x", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"y", IfNoneMatch="*")
    client.close()
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"


@pytest.mark.parametrize("user", ["parley-runs", "parley-watcher"])
def test_the_note_of_a_run_that_ended_is_taken_away_by_the_run_or_the_watcher(service, user):
    runs, taker = OwnStore(service, "parley-runs", BUCKET), OwnStore(service, user, BUCKET)
    waits = ParkedRun("r-7", "00000000-0000-0000-0000-000000000007")
    park(runs, waits)
    unpark(taker, waits)
    assert waits not in list_parked(runs)
    park(runs, waits)
    page = OwnStore(service, "parley-page", BUCKET)
    with pytest.raises(AccessDeniedError):
        unpark(page, waits)
    unpark(runs, waits)


def test_a_bucket_in_which_two_writers_win_is_refused(service):
    client = service.client()
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    won = 0
    for data in (b"first", b"second"):
        try:
            client.put_object(Bucket="versioned", Key="a", Body=data, IfNoneMatch="*")
            won += 1
        except ClientError:
            continue
    is_versioned = client.get_bucket_versioning(Bucket=BUCKET).get("Status") == "Enabled"
    client.close()
    # The bucket of the reviews was given versions only if that breaks no promise.
    assert is_versioned == (won == 1)
    store = OwnStore(service, "owner", "versioned")
    if won == 1:
        probe_conditional_writes(store)
        return
    with pytest.raises(StoreError, match="refuse a second conditional write"):
        probe_conditional_writes(store)


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("parley-page", "decisions/{request}/0001.json"),
        ("parley-page", "reviewers/mallory.json"),
        ("parley-page", "audit/2026-11/00000001.json"),
        ("parley-runs", "decisions/{request}/0001.json"),
        ("parley-runs", "inbox/{request}/ada/nonce-0002.json"),
        ("parley-runs", "reviewers/mallory.json"),
        ("parley-watcher", "artifacts/aa/bb"),
        ("parley-watcher", "inbox/{request}/ada/nonce-0002.json"),
        ("parley-operator", "decisions/{request}/0001.json"),
        ("reviewer-ada", "inbox/{request}/bob/nonce-0002.json"),
        ("reviewer-ada", "decisions/{request}/0001.json"),
    ],
)
def test_nobody_writes_what_is_anothers(service, user, key):
    client = service.client(user)
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key=key.format(request="r-1"), Body=b"x")
    client.close()
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_reviewers_own_key_hands_in_reads_nothing_of_others_and_takes_nothing_away(service):
    mine, theirs = (layout.upload_key("r-2", name, "nonce-0009") for name in ("ada", "bob"))
    page, client = service.client("parley-page"), service.client("reviewer-ada")
    page.put_object(Bucket=BUCKET, Key=theirs, Body=b"{}")
    page.close()
    client.put_object(Bucket=BUCKET, Key=mine, Body=b"{}", IfNoneMatch="*")
    # What somebody wrote is theirs to read on Ceph, whose objects have owners; no more than that.
    for action, named in (
        ("get_object", {"Key": theirs}),
        ("delete_object", {"Key": mine}),
        ("delete_object", {"Key": theirs}),
        ("list_objects_v2", {}),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(client, action)(Bucket=BUCKET, **named)
        assert refused.value.response["Error"]["Code"] == "AccessDenied", (action, named)
    client.close()


def parley_submit(service, user, folder, *arguments):
    """Run ``parley review submit`` as a person of the service does."""
    env = os.environ | service.environment(user)
    env |= {"PARLEY_STORE": f"s3://{BUCKET}", "PARLEY_HOME": str(folder / "home")}
    env["PYTHONPATH"] = str(ROOT)
    command = (sys.executable, "-c", "from flows.cli import main; main()", "review", "submit")
    return subprocess.run(
        (*command, *arguments), env=env, cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_person_hands_in_by_command_line_with_a_key_for_their_inbox_alone(service, tmp_path):
    runs, watcher = (OwnStore(service, f"parley-{name}", BUCKET) for name in ("runs", "watcher"))
    bundle = publish(runs, make_bundle(), FILES)
    (tmp_path / "manifest.json").write_bytes(bundle.to_json())
    (tmp_path / "good.json").write_bytes(make_answer(bundle))
    (tmp_path / "bad.json").write_bytes(make_answer(bundle, bundle_sha256="0" * 64))
    given = ("--bundle", "manifest.json")
    bad = parley_submit(service, "reviewer-ada", tmp_path, bundle.request_id, "bad.json", *given)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "expected bundle_sha256" in bad.stderr
    good = parley_submit(service, "reviewer-ada", tmp_path, bundle.request_id, "good.json", *given)
    key = layout.upload_key(bundle.request_id, "ada", "nonce-0001")
    assert (good.returncode, good.stdout.strip()) == (0, f"handed in as {key}"), good.stderr
    assert "The watcher judges it" in good.stderr
    assert wait_for_decision(watcher, bundle.request_id).state.value == "APPROVED"


@pytest.mark.parametrize("user", ["parley-page", "parley-watcher", "parley-runs"])
def test_the_doctor_tries_the_store_under_the_policy(service, monkeypatch, tmp_path, user):
    from flows.checks.exchange import object_storage

    monkeypatch.setenv("PARLEY_HOME", str(tmp_path))
    own = OwnStore(service, user, BUCKET)
    monkeypatch.setattr("feedback.store.open_store", lambda url, **options: own)
    assert "one writer winning" in object_storage()
    assert not own.list("probe/")
