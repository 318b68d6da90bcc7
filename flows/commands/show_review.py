"""What ``parley review show`` prints and writes."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from feedback.document import FeedbackDocument
from feedback.errors import FeedbackError, StoreError

if TYPE_CHECKING:
    from feedback.bundle import ReviewBundle
    from feedback.follow_up import FollowUp


def show_request(request_id: str, *, files: Path | None, template: Path | None) -> None:
    """Print a request, and write its pictures and an empty answer if asked to.

    Args:
        request_id: Which request.
        files: Folder for the manifest, the pictures and a page that shows them.
        template: File for an answer to be filled in, which approves what is proposed, if anything
            is, and edits nothing else.
    """
    from feedback.exchange import load_bundle, load_decision, load_file, load_rejections
    from feedback.recording import load_decisions
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    objects = open_workplace(Settings(), brief=True).objects
    bundle = load_bundle(objects, request_id)
    decision = load_decision(objects, request_id)
    console = Console()
    console.print(f"[bold]{bundle.request_id}[/]  {decision.state.value if decision else 'OPEN'}")
    if decision is not None and decision.by_rule:
        first = load_decisions(objects, request_id)[0]
        told = f"by rule of policy {decision.policy}, by no person: {first.reason}"
        console.print(escape(told), highlight=False)
    console.print(f"model {bundle.model.name} · dataset {bundle.dataset.md5}", highlight=False)
    console.print(
        f"quote this digest in an answer: {bundle.digest}", highlight=False, soft_wrap=True
    )
    if bundle.follows is not None:
        _print_before(console, bundle.follows)
    for item in sorted(bundle.items, key=lambda item: -item.priority):
        # Class names and reviewers' words are anybody's: a bracket in them is no markup.
        console.print(f"\n[bold]{escape(item.title)}[/]")
        console.print_json(json.dumps(_summary(item.evidence)))
    for rejection in load_rejections(objects, request_id):
        said = escape(f"{rejection.key}: {rejection.reason}")
        console.print(f"[red]refused[/] {said}", highlight=False)
    if files is not None:
        for name in bundle.files:
            _write(files / name, load_file(objects, bundle, name))
        _write(files / "manifest.json", bundle.to_json())
        typer.echo(f"wrote {len(bundle.files)} pictures and the manifest to {files}")
        _write_page(bundle, files)
    if template is not None:
        empty = empty_answer(bundle)
        _write(template, _as_file(empty))
        told = ", with what is proposed" if empty.responses else ""
        typer.echo(f"wrote an answer to fill in to {template}{told}")


def _print_before(console: Console, follows: "FollowUp") -> None:
    """Print what was said of the evidence before, and what is proposed to go on from."""
    told = f" ({follows.reason})" if follows.reason else ""
    console.print(
        escape(
            f"follow-up {follows.number} of {follows.request_id}, which ended "
            f"{follows.state.value}{told}"
        ),
        highlight=False,
    )
    if follows.by_rule:
        console.print("  approved by a policy's rule before, by no person", highlight=False)
    for voice in follows.said:
        said = f": {voice.comment}" if voice.comment else ""
        console.print(escape(f"  {voice.reviewer}, {voice.verdict}{said}"), highlight=False)
    if follows.conflicts:
        named = ", ".join(follows.conflicts)
        console.print(escape(f"  edited differently, so not proposed: {named}"), highlight=False)
    if follows.proposed:
        console.print(f"  {len(follows.proposed)} responses to go on from, not approved yet:")
        for response in follows.proposed:
            console.print_json(json.dumps(response))


def _write_page(bundle: "ReviewBundle", folder: Path) -> None:
    """Write the request as a page to read without a server, and an answer to fill in by hand."""
    from review.offline.page import PAGE, TEMPLATE, offline_page
    from review.panel import available_panels, load_panel
    from review.shown import show

    if bundle.channel not in available_panels():
        typer.echo(f"no page is written: the channel {bundle.channel} has none")
        return
    answer = empty_answer(bundle)
    page = offline_page(show(bundle, load_panel(bundle.channel)), answer.model_dump(mode="json"))
    # Last, so that no file of a bundle stands in their place.
    _write(folder / TEMPLATE, _as_file(answer))
    _write(folder / PAGE, page)
    typer.echo(f"open {folder / PAGE} in a browser; it needs no network")


def _as_file(answer: FeedbackDocument) -> bytes:
    return (json.dumps(answer.model_dump(mode="json"), indent=2) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(
            f"expected to write {path} (got: {error.strerror}); name another place, or free space"
        ) from error


def empty_answer(bundle: "ReviewBundle") -> FeedbackDocument:
    """Return an approval that quotes what was shown, with the edits that a follow-up proposes.

    Proposals that do not make one valid answer are left for people to choose from.
    """
    from feedback.channel import load_feedback_channel

    plain = FeedbackDocument(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer="your-name",
        nonce=secrets.token_hex(8),
        verdict="approve",
        created_at=datetime.now(UTC),
    )
    if bundle.follows is None or not bundle.follows.proposed:
        return plain
    proposed = plain.model_copy(update={"responses": bundle.follows.proposed})
    try:
        load_feedback_channel(bundle.channel).validate_response(bundle, proposed)
    except FeedbackError:
        return plain
    return proposed


def _summary(evidence: object) -> object:
    """Return the evidence with long lists cut, as a terminal can show it."""
    if isinstance(evidence, dict):
        return {key: _summary(value) for key, value in evidence.items()}
    if isinstance(evidence, list):
        shown = [_summary(value) for value in evidence[:4]]
        return [*shown, f"… {len(evidence) - 4} more"] if len(evidence) > 4 else shown
    return evidence
