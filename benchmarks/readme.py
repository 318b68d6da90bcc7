"""The README's tables, made from the files in ``benchmarks/results``.

    python -m benchmarks.readme

Replaces what stands between ``<!-- table:NAME -->`` and ``<!-- /table -->``. A table without a
result becomes a line that says which command makes it. Numbers are never typed into the README.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

README = Path(__file__).parents[1] / "README.md"
MARKED = re.compile(r"(<!-- table:([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)

Rows = list[list[str]]
"""Cells of a table, the header first."""
Documents = Sequence[Mapping[str, Any]]
"""Result files as ``write_result`` writes them."""


@dataclass(frozen=True)
class Table:
    """One table of the README.

    Attributes:
        files: Pattern of the result files that it is made of.
        command: What makes these files.
        rows: Turns the files' contents into cells.
    """

    files: str
    command: str
    rows: Callable[[Documents], Rows]


def mining_rows(documents: Documents) -> Rows:
    """Return one row per network and device on which mining was measured."""
    head = ["mining / (SLIC + one pass)", "TCAV / mining", "blanking / mining", "patch / pooled"]
    rows = [["network", *head, "memory"]]
    for document in documents:
        result = document["result"]
        settings = result["settings"]
        rows.append(
            [
                f"{settings['arch']}, {settings['size']} px, {_device(document)}",
                *(
                    f"{result[ratio]['median']:.{digits}f}" if ratio in result else "–"
                    for ratio, digits in (
                        ("mining_over_parts", 2),
                        ("tcav_over_mining", 2),
                        ("blanking_over_mining", 2),
                        ("patch_over_pooled", 0),
                    )
                ),
                f"{result['memory']['peak_mb_per_image']:.1f} MB per image",
            ]
        )
    return rows


def quality_rows(documents: Documents) -> Rows:
    """Return how well both embeddings find the parts that the renderer drew."""
    rows = [["embedding", "NMI", "purity", "NMI, parts only", "purity, parts only"]]
    for document in documents:
        measured = document["result"].get("quality", {}).get("over_classes", {})
        for embedding, found in measured.items():
            names = ("nmi", "purity", "nmi_parts_only", "purity_parts_only")
            rows.append([embedding, *(f"{found[name]['median']:.3f}" for name in names)])
    return rows


def reasoner_rows(documents: Documents) -> Rows:
    """Return a step of the reasoner beside GINE, and matching beside embedding."""
    rows = [["", "measured", "target"]]
    for document in documents:
        result = document["result"]
        for width, step in result["step_1920_graphs"].items():
            for form in ("operator", "dense"):
                measured = step[f"ratio_{form}_to_gine"]["median"]
                rows.append(
                    [
                        f"step of 1,920 graphs, {width}, {form} / GINE, {_device(document)}",
                        f"{measured:.2f}",
                        f"≤ {step['target_ratio']}",
                    ]
                )
        matching = result["matching"]
        measured = matching["ratio_matching_to_embedding"]["median"]
        rows.append(
            [
                f"matching / embedding, {matching['network']}, {_device(document)}",
                f"{100 * measured:.1f} %",
                f"≤ {100 * matching['target_ratio']:.0f} %",
            ]
        )
    return rows


def stored_rows(documents: Documents, key: str = "table") -> Rows:
    """Return a table that a benchmark put into its own result: ``header`` and ``rows``.

    Args:
        documents: Results of one benchmark.
        key: Which table, where there are several.
    """
    tables = [document["result"][key] for document in documents]
    return [tables[0]["header"], *(row for table in tables for row in table["rows"])]


def _correction(world: str, command: str) -> dict[str, Table]:
    """Return the tables of one world: the arms, their differences, and who taught them."""
    file, command = f"correction_{world}.json", f"python -m benchmarks.correction {command}"
    return {
        "": Table(file, command, stored_rows),
        "-differences": Table(file, command, partial(stored_rows, key="differences")),
        "-teachers": Table(file, command, partial(stored_rows, key="teachers")),
    }


TABLES = {
    f"correction-{name}{table}": made
    for name, world, command in (
        ("demo", "demo", "demo"),
        ("pets37", "pets37_planted", "pets37_planted"),
        ("natural", "pets37_natural", "pets37_natural"),
    )
    for table, made in _correction(world, command).items()
} | {
    "kills": Table("kills.json", "python -m benchmarks.kills", stored_rows),
    "kills-squares": Table(
        "kills_saliency_grid.json",
        "python -m benchmarks.kills --channel saliency_grid",
        stored_rows,
    ),
    "mining": Table("mining_*.json", "python -m benchmarks.mining", mining_rows),
    "quality": Table("mining_*.json", "python -m benchmarks.mining --quality", quality_rows),
    "reasoner": Table("reasoner*.json", "python -m benchmarks.reasoner", reasoner_rows),
    "overhead": Table("overhead.json", "python -m benchmarks.overhead", stored_rows),
    "startup": Table("startup.json", "python -m benchmarks.startup", stored_rows),
    "page": Table("page.json", "python -m benchmarks.page", stored_rows),
    "resume": Table("resume*.json", "python -m benchmarks.resume", stored_rows),
    "penalty": Table("penalty.json", "python -m benchmarks.penalty", stored_rows),
    "saliency-decoy": Table(
        "saliency_decoy.json", "python -m benchmarks.saliency decoy", stored_rows
    ),
    "saliency-decoy-all": Table(
        "saliency_decoy_all.json", "python -m benchmarks.saliency decoy_all", stored_rows
    ),
    "saliency-demo": Table("saliency_demo.json", "python -m benchmarks.saliency demo", stored_rows),
    "saliency-pets37": Table(
        "saliency_pets37.json", "python -m benchmarks.saliency pets37", stored_rows
    ),
}


def render_table(name: str, results: Path = RESULTS) -> str:
    """Return a table in Markdown, or the line that stands for a missing result.

    Args:
        name: Name in the marker.
        results: Folder of the result files.

    Raises:
        KeyError: If no table has that name.
    """
    table = TABLES[name]
    documents = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob(table.files))
    ]
    rows = table.rows(documents) if documents else []
    if len(rows) < 2:
        return f"*Not measured yet: `{table.command}` writes `benchmarks/results/{table.files}`.*\n"
    header, *body = ([str(cell).replace("|", "\\|") for cell in row] for row in rows)
    ruler = ["---", *("--:" for _ in header[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, ruler, *body))


def fill_tables(text: str, results: Path = RESULTS) -> str:
    """Return the README's text with every marked table made anew."""
    return MARKED.sub(
        lambda found: found[1] + render_table(found[2], results) + found[3],
        text,
    )


def main() -> None:
    """Rewrite the README in place."""
    text = README.read_text(encoding="utf-8")
    README.write_text(fill_tables(text), encoding="utf-8")
    sys.stdout.write(f"filled {len(MARKED.findall(text))} tables of {README.name}\n")


def _device(document: Mapping[str, Any]) -> str:
    result = document["result"]
    device = result.get("device") or result.get("settings", {}).get("device", "cpu")
    machine = document["machine"]
    return machine["accelerator"] if device == "cuda" else f"{machine['cores']} cores"


if __name__ == "__main__":
    main()
