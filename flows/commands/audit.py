"""``parley audit``: check the log of everything that was decided."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Check the log of everything that was decided."""


@app.command()
def verify(
    store: Annotated[
        str | None, typer.Option("--store", help="Folder or address; default: this installation's.")
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", help="Digest noted earlier that must be in the log.")
    ] = None,
) -> None:
    """Check the whole chain offline and name the first broken link."""
    from feedback.audit_check import verify as check_log
    from feedback.errors import AuditError, StoreError
    from feedback.store import BRIEF_PATIENCE, open_store
    from tasks.settings import Settings

    address = store or Settings().store_url()
    if "://" not in address and not Path(address).is_dir():
        # Opening would make an empty store, in which nothing is broken.
        raise StoreError(f"expected a store at {address} (got no folder there); check --store")
    check = check_log(open_store(address, probe=False, patience=BRIEF_PATIENCE), head=head)
    if check.broken:
        raise AuditError(check.broken)
    for told in check.changed:
        typer.echo(told, err=True)
    if check.changed:
        raise AuditError(
            f"expected the objects that the log tells of, as they were (got {len(check.changed)} "
            "that differ); restore them from the store's versions"
        )
    typer.echo(f"{check.entries} entries, unbroken; head {check.head or 'none yet'}")
