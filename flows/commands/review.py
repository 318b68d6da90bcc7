"""``parley review``: list the open requests, look at one, hand in an answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.ports import Ports

if TYPE_CHECKING:
    from feedback.exchange import RequestSummary

app = typer.Typer(no_args_is_help=True)

PolicyName = Annotated[
    str, typer.Option("--policy", help="The gate's: single, signed, or a file; or PARLEY_POLICY.")
]


@app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Decided requests too.")] = False,
) -> None:
    """List the requests that wait for an answer."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from feedback.exchange import ReviewState, list_requests
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    objects = open_workplace(Settings(), brief=True).objects
    requests = list_requests(objects, None if everything else ReviewState.OPEN)
    table = Table()
    # Names are copied from here, so they are never cut, however narrow the terminal.
    longest = max((len(found.request_id) for found in requests), default=0)
    table.add_column("request", no_wrap=True, min_width=longest)
    for title in ("state", "deadline", "about"):
        table.add_column(title)
    for found in requests:
        table.add_row(
            found.request_id,
            escape(", ".join(_standing(found))),
            f"{found.deadline:%Y-%m-%d %H:%M}" if found.deadline else "–",
            escape(", ".join(found.titles)),
        )
    Console().print(table)


@app.command()
def show(
    request: Annotated[str, typer.Argument(metavar="REQUEST")],
    files: Annotated[
        Path | None, typer.Option("--files", help="Also write a page, manifest and pictures here.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="Write an answer to fill in here.")
    ] = None,
) -> None:
    """Print what a request shows; with --files and --template all that is needed to answer."""
    from flows.commands.show_review import show_request

    show_request(request, files=files, template=template)


@app.command()
def submit(
    request: Annotated[str, typer.Argument(metavar="REQUEST")],
    document: Annotated[Path, typer.Argument(metavar="FILE.json")],
    key: Annotated[
        Path | None, typer.Option("--key", help="Sign it with this private key first.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="The request's manifest.json, where the store denies it."),
    ] = None,
    policy: PolicyName = "",
) -> None:
    """Check a feedback document against its request and hand it in."""
    from feedback.policy_file import load_policy
    from feedback.store import BRIEF_PATIENCE, open_store
    from flows.commands.sign_review import signed_answer
    from tasks.exchange import read_feedback_file
    from tasks.handing_in import hand_in, read_manifest
    from tasks.settings import Settings

    data = read_feedback_file(document)
    shown = None if bundle is None else read_manifest(bundle, request)
    answer = data if key is None else signed_answer(data, key)
    settings = Settings()
    rule = load_policy(policy or settings.policy)
    # Not probed: a reviewer's own key may write their inbox and nothing else.
    objects = open_store(settings.store_url(), probe=False, patience=BRIEF_PATIENCE)
    handed = hand_in(objects, request, answer, rule, bundle=shown)
    typer.echo(f"handed in as {handed.key}")
    if handed.remark:
        typer.echo(handed.remark, err=True)


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535)] = Ports.page,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="Who you are; on your own machine only.")
    ] = None,
    policy: PolicyName = "",
) -> None:
    """Open the review page: an inbox of requests, to be looked at, edited and answered."""
    from flows.commands.serve_review import page_settings
    from review.app import serve as serve_page
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    settings = Settings()
    page = page_settings(settings, host=host, port=port, reviewer=reviewer, policy=policy)
    who = f"for {page.reviewer}" if page.reviewer else f"for whom {page.identity_header} names"
    typer.echo(f"review page {who}: http://{host}:{port} (stop with Ctrl-C)")
    serve_page(open_workplace(settings, brief=True).objects, page)


@app.command()
def sign(
    document: Annotated[Path, typer.Argument(metavar="FILE.json")],
    key: Annotated[Path, typer.Option("--key", help="Your private key.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the signed answer.")],
) -> None:
    """Sign an answer without handing it in, as on a machine that is off the network."""
    from flows.commands.sign_review import signed_answer
    from tasks.exchange import read_feedback_file

    out.write_bytes(signed_answer(read_feedback_file(document), key))
    typer.echo(f"signed {document} as {out}")


@app.command()
def agreement(
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Show how far reviewers agree with decisions and with each other."""
    from flows.commands.agreement import show_agreement

    show_agreement(as_json=as_json)


def _standing(found: "RequestSummary") -> list[str]:
    """Say where a request stands, by whom or what, and how often its evidence was asked about."""
    told = [f"{found.state.value} by rule" if found.by_rule else found.state.value]
    return told + ([f"follow-up {found.follow_up}"] if found.follow_up else [])
