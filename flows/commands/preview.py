"""``parley preview``: compute what reviewers' edits would do, in this process."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from feedback.previews import Preview


def answer_previews(policy: str, *, every_seconds: float, once: bool) -> None:
    """Answer the questions of this installation's store until stopped.

    Args:
        policy: The gate's rule; empty takes the setting ``PARLEY_POLICY``.
        every_seconds: Pause between two looks.
        once: Look once only.
    """
    from feedback.policy_file import load_policy
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    settings = Settings()
    rule = load_policy(policy or settings.policy)
    workplace = open_workplace(settings)
    # The folder of the orchestrator's state must be there before Prefect is imported.
    from flows.preview import keep_answering

    def told(found: "Preview") -> None:
        typer.echo(
            f"{found.request_id}: "
            + (f"no preview, {found.failed}" if found.failed else "a preview is computed")
        )

    typer.echo(f"answering previews of {workplace.objects.url}")
    answered = keep_answering(
        workplace,
        every_seconds=every_seconds,
        policy=rule,
        rounds=1 if once else None,
        on_answer=told,
    )
    typer.echo(f"{answered} answered")
