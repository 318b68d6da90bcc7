"""What a whole run through object storage leaves behind: no secret, nothing pickled, no half file.

One run on an S3 with credentials in the environment that look like Amazon's; then every byte of its
home, its databases, its bucket and its output is read.
"""

import json
import sqlite3

import pytest

from tests.pickles import pickles, unpacked
from tests.s3_double import owner_client, s3_server

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
# Formed like real ones, so that whatever masks "secret" or "password" alone would not help.
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAQ3EGRXNWT5ZK7VLP",
    "AWS_SECRET_ACCESS_KEY": "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",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEPr9wEaCXVzLWVhc3QtMSJHMEUCIQDf7vUu2kG0",
    "MLFLOW_TRACKING_PASSWORD": "Tr4ck-Pa55-9f3b1c7e",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, shapes_dir):
    """Every trace of one run: files by name, objects by name, and what was printed."""
    from tests.e2e.conftest import Command

    home = tmp_path_factory.mktemp("traces") / "home"
    with s3_server() as endpoint:
        environment = SECRETS | {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PARLEY_STORE": "s3://parley/team",
        }
        command = Command(home, shapes_dir, environment=environment)
        report, printed = command.finish()
        with owner_client(endpoint) as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="parley")
            objects = {
                f"s3/{entry['Key']}": client.get_object(Bucket="parley", Key=entry["Key"])[
                    "Body"
                ].read()
                for page in pages
                for entry in page.get("Contents", ())
            }
    files = {
        f"home/{path.relative_to(home).as_posix()}": path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
    }
    files["report.json"] = command.report.read_bytes()
    return {"files": files | objects, "printed": printed, "report": report, "home": home}


def test_the_run_went_through_the_store(run):
    stored = [name for name in run["files"] if name.startswith("s3/team/")]
    for kind in ("artifacts/", "stages/", "reviews/", "inbox/", "decisions/", "runs/"):
        assert any(name.startswith(f"s3/team/{kind}") for name in stored), kind
    assert not (run["home"] / "store").exists()
    for database in ("home/mlflow.db", "home/prefect/prefect.db"):
        assert len(run["files"][database]) > 100_000


@pytest.mark.parametrize("variable", SECRETS)
def test_no_secret_is_in_any_trace(run, variable):
    secret = SECRETS[variable]
    # As it is, as JSON and an address would escape it, and its two halves of which either tells.
    forms = {secret, json.dumps(secret)[1:-1], secret.replace("+", "%2B").replace("/", "%2F")}
    forms |= {secret[: len(secret) // 2 + 2], secret[len(secret) // 2 - 2 :]}
    needles = [form.encode() for form in forms]
    for name, data in run["files"].items():
        for inner, content in unpacked(name, data):
            assert not any(needle in content for needle in needles), inner
    assert not any(form in run["printed"] for form in forms)


def test_no_secret_is_in_a_row_of_the_databases(run):
    """Pages of SQLite may split a value; its rows do not."""
    read = 0
    for name in ("mlflow.db", "prefect/prefect.db"):
        database = sqlite3.connect(f"file:{run['home'] / name}?mode=ro", uri=True)
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'select * from "{table}"'):
                read += 1
                text = " ".join(str(value) for value in row)
                assert not any(secret in text for secret in SECRETS.values()), (name, table)
        database.close()
    assert read > 100


def test_nothing_that_a_run_leaves_is_a_pickle(run):
    names = list(run["files"])
    for kind in ("s3/team/artifacts/", "home/mlflow-artifacts/", "home/cache/"):
        assert any(name.startswith(kind) for name in names), kind
    assert any(name.endswith(".pt2") for name in names)
    assert pickles(run["files"]) == []


def test_nothing_that_a_run_leaves_is_unfinished(run):
    leftovers = (".part", ".tmp", ".unfinished", "epoch-", "probe/")
    assert [n for n in run["files"] if any(sign in n for sign in leftovers)] == []
