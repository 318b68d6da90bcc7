"""``parley data``: render the demo set, import a folder, say what the working data are."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command()
def demo(
    directory: Annotated[Path, typer.Option("--to", help="Where to render.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="Another seed gives other images.")] = 0,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing when the folder is there already.")
    ] = False,
) -> None:
    """Render the demo dataset."""
    from rich.console import Console
    from rich.progress import Progress

    from tasks.demo.render import render_demo

    if if_missing and directory.exists():
        return
    console = Console(stderr=True)
    # Away from a terminal even an empty bar would print a line.
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("rendering the demo dataset", total=None)
        render_demo(
            directory,
            seed=seed,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    typer.echo(f"rendered the demo dataset into {directory}")


@app.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with your images.")],
    to: Annotated[Path, typer.Option(help="Working folder, versioned by DVC.")] = Path("data"),
    skip: Annotated[
        bool, typer.Option("--skip-problems", help="Leave out files with problems.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Replace the present working data.")] = False,
    test_share: Annotated[
        float, typer.Option(help="Share of test images of an unsplit folder, 0.05 to 0.9.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="Seed of that split.")] = 0,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            help="Most pixels of an image: 89 million unless told, at most twice that.",
            show_default=False,
        ),
    ] = None,
    push: Annotated[bool, typer.Option(help="Also push to the DVC remote.")] = True,
    remote: Annotated[
        str | None,
        typer.Option(
            help="DVC remote from now on: a folder or s3://bucket/prefix; PARLEY_DVC_REMOTE.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Validate a folder of images, then take it in as the working data under DVC."""
    from feedback.errors import ParamsError
    from flows.commands.show_data import print_import
    from tasks.dataset.importing import import_dataset
    from tasks.dataset.inspection import LARGEST, MAX_PIXELS
    from tasks.settings import Settings

    if max_pixels is not None and not 1 <= max_pixels <= LARGEST:
        raise ParamsError(
            f"expected --max-pixels from 1 to {LARGEST} (got {max_pixels}); "
            "change it, and shrink images that are larger"
        )
    if not 0.05 <= test_share <= 0.9:
        raise ParamsError(f"expected --test-share from 0.05 to 0.9 (got {test_share}); change it")
    done = import_dataset(
        source,
        to,
        on_problem="skip" if skip else "refuse",
        test_share=test_share,
        seed=seed,
        max_pixels=MAX_PIXELS if max_pixels is None else max_pixels,
        replace=replace,
        push=push,
        remote=Settings().dvc_remote if remote is None else remote,
    )
    print_import(done)
    raise typer.Exit(1 if done.is_refused else 0)


@app.command()
def status(
    directory: Annotated[Path, typer.Option("--data", help="Working folder.")] = Path("data"),
) -> None:
    """Compare the working data with the version that DVC records."""
    from flows.commands.show_data import print_status
    from tasks.dataset.version import read_status, record_of

    found = read_status(directory, record_of(directory))
    print_status(directory, found)
    raise typer.Exit(0 if found.is_clean else 1)


@app.command()
def intake(
    directory: Annotated[Path, typer.Option("--data", help="Working folder.")] = Path("data"),
    max_images: Annotated[
        int, typer.Option("--max", min=1, help="Most images taken, the newest first.")
    ] = 500,
    push: Annotated[bool, typer.Option(help="Also push to the DVC remote.")] = True,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if a run waits for people on these data.")
    ] = False,
) -> None:
    """Take new images from intake/ of the store into the pool, as a new version under DVC."""
    from feedback.errors import DatasetError
    from flows.commands.show_data import print_intake
    from tasks.dataset.intake import take_in
    from tasks.freshness import run_that_waits_on
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    workplace = open_workplace(Settings())
    waiting = None if anyway else run_that_waits_on(workplace.objects, directory)
    if waiting is not None:
        raise DatasetError(
            f"expected no run that waits for people on {directory} (got run {waiting}, which could "
            "not go on from other data); wait for its decision, or give --anyway"
        )
    done = take_in(
        workplace.objects,
        directory,
        max_images=max_images,
        push=push,
        cache_file=workplace.cache_folder() / "digests.json",
    )
    print_intake(done)


@app.command()
def reviews(
    directory: Annotated[Path, typer.Option("--data", help="Working folder.")] = Path("data"),
    push: Annotated[bool, typer.Option(help="Also push to the DVC remote.")] = True,
) -> None:
    """Put closed reviews under DVC as reviews/, beside the working folder."""
    from tasks.dataset.filing import file_reviews
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    workplace = open_workplace(Settings())
    memory = workplace.cache_folder() / "digests.json"
    md5 = file_reviews(workplace.objects, directory, push=push, cache_file=memory)
    typer.echo(f"closed reviews are filed; md5 {md5}" if md5 else "no review to file")
