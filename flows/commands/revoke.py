"""``parley revoke``: take a promotion back, on the record."""

import typer

from feedback.errors import ParamsError


def revoke_champion(model: str, version: str, why: str) -> None:
    """Move the champion of a model back to the version before, and record why.

    Args:
        model: Registered name.
        version: The champion that is to go.
        why: Reason.
    """
    if not why.strip():
        raise ParamsError("expected a reason in --why (got none); say what went wrong")
    from tasks.promotion import revoke_version
    from tasks.settings import Settings
    from tasks.tracking_store import open_registry
    from tasks.workplace import open_workplace

    settings = Settings()
    back = revoke_version(
        open_workplace(settings, brief=True),
        open_registry(settings),
        name=model,
        version=version,
        why=why,
    )
    typer.echo(f"version {version} of {model} is revoked; champion is version {back} again")
