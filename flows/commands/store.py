"""``parley store``: what the owner of the object storage needs."""

import json
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def store() -> None:
    """Set up the object storage."""


@app.command()
def policy(
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="Bucket of PARLEY_STORE.")],
    prefix: Annotated[str, typer.Option("--prefix", help="Prefix of PARLEY_STORE.")] = "",
    account: Annotated[
        str, typer.Option("--account", help="Number of the users' account; empty on Ceph.")
    ] = "",
    reviewer: Annotated[
        list[str] | None,
        typer.Option("--reviewer", help="Who hands in with keys of their own; may be repeated."),
    ] = None,
) -> None:
    """Print the bucket's policy: which kind of process may write which keys."""
    from tasks.access import bucket_policy

    document = bucket_policy(bucket, prefix=prefix, account=account, reviewers=reviewer or ())
    typer.echo(json.dumps(document, indent=2))
