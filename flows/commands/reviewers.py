"""``parley reviewers``: enrol people and pages, list them, take them off."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from feedback.objects import ObjectStore

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As documents will name them.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Role of the policy; may be repeated.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="Their public key, base64.")
    ] = None,
    generate: Annotated[
        Path | None, typer.Option("--generate", help="Make a key and write its secret half here.")
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="A page, which signs for people it vouches for.")
    ] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who enrols; default: you.")] = None,
) -> None:
    """Enrol a reviewer or a page; somebody without a key answers through the page."""
    from feedback.signing import generate_key, save_key
    from flows.commands.enrolling import new_record, stand

    keys = [public_key] if public_key else []
    key = generate_key() if generate is not None else None
    if key is not None:
        keys.append(key.public_key)
    now = datetime.now(UTC)
    record = new_record(name, role or [], keys, is_page=page, by=by or getpass.getuser(), now=now)
    objects = _objects()
    if key is not None and generate is not None:
        # Before the key is enrolled: one whose secret half could not be kept is no use.
        save_key(key, generate)
    standing = stand(objects, record, now)
    typer.echo(f"enrolled {standing.kind} {name}, roles: {', '.join(standing.roles) or 'none'}")
    for kept in standing.keys:
        typer.echo(f"key {kept.key_id[:16]} {kept.public_key}")


@app.command(name="list")
def list_() -> None:
    """List reviewers and pages, with their keys."""
    from rich.console import Console
    from rich.table import Table

    from feedback.reviewers import load_registry

    table = Table()
    for title in ("name", "kind", "roles", "keys", "enrolled by", "state"):
        table.add_column(title)
    for name, record in sorted(load_registry(_objects()).items()):
        keys = [f"{k.key_id[:16]}{' (revoked)' if k.revoked_at else ''}" for k in record.keys]
        state = f"off since {record.revoked_at:%Y-%m-%d}" if record.revoked_at else "enrolled"
        table.add_row(
            name, record.kind, ", ".join(record.roles), "\n".join(keys), record.enrolled_by, state
        )
    Console().print(table)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    why: Annotated[str, typer.Option("--why", help="Reason, kept with the record.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Take back only the key that starts so.")
    ] = None,
) -> None:
    """Take off a reviewer, a page or one key; nothing undecided of theirs counts from now on."""
    from feedback.audit import AuditLog
    from feedback.entering import enter_reviewer
    from feedback.reviewers import revoke as take_off

    objects, now = _objects(), datetime.now(UTC)
    log = AuditLog(objects)
    # A broken log is told before anything is written that it should tell of.
    log.refresh()
    record = take_off(objects, name, now=now, why=why, key_id=key)
    enter_reviewer(objects, log, record, now)
    typer.echo(f"took off {'key ' + key + ' of ' if key else ''}{name}")


def _objects() -> "ObjectStore":
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    return open_workplace(Settings(), brief=True).objects
