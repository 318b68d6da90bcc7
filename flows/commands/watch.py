"""``parley watch``: decide what reviewers hand in, in this process."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from feedback.watching import WatchReport


def watch_store(policy: str, *, every_seconds: float, once: bool) -> None:
    """Watch the store of this installation until stopped.

    Args:
        policy: The rule; empty takes the setting ``PARLEY_POLICY``.
        every_seconds: Pause between two looks.
        once: Look once only.
    """
    from feedback.policy_file import load_policy
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    settings = Settings()
    rule = load_policy(policy or settings.policy)
    # The folder of the orchestrator's state must be there before Prefect is imported.
    objects = open_workplace(settings).objects
    from flows.watch import keep_watch
    from tasks.notifying import open_notifier

    def told(report: "WatchReport") -> None:
        for decision in report.decisions:
            typer.echo(f"{decision.request_id} is {decision.state.value}: {decision.reason}")
        for key in report.rejections:
            typer.echo(f"refused: {key}")
        if once:
            typer.echo(
                f"{len(report.waiting)} open, {len(report.decisions)} decided now, "
                f"{len(report.rejections)} uploads refused, {len(report.problems)} problems"
            )

    typer.echo(f"watching {objects.url} by the policy {rule.name}")
    keep_watch(
        objects,
        rule,
        every_seconds=every_seconds,
        notifier=open_notifier(settings.page_url),
        rounds=1 if once else None,
        on_report=told,
    )
