"""The bucket's policy on the gateway itself: who may not write is refused by the server."""

import pytest
from botocore.exceptions import ClientError

from feedback import layout
from feedback.errors import StoreError
from feedback.probing import probe_conditional_writes
from tests.e2e.gateway import BUCKET, PROGRAMS, USERS, OwnStore, furnish, gateway

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway") / "s3"
    with gateway(folder, {user: f"{user}-{'k' * 30}" for user in ("owner", *USERS)}) as made:
        if not made.is_real:
            pytest.skip(f"not installed: {', '.join(PROGRAMS)}; the double knows no policies")
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
