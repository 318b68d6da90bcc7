"""Flagged images as a table, for whoever looks after the labels."""

import csv
import io

from pydantic import JsonValue

LABEL_QUEUE = "label_queue.csv"


def label_queue(entries: list[JsonValue]) -> str:
    """Return flagged images as CSV.

    Args:
        entries: Output ``queue`` of a bank.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "sha256", "flags", "artefact", "comment"))
    for entry in entries:
        if isinstance(entry, dict):
            cells = (entry["name"], entry["image"], entry["flags"], entry["artefact"])
            writer.writerow([_inert(str(cell)) for cell in (*cells, entry["comment"])])
    return buffer.getvalue()


def _inert(cell: str) -> str:
    # Spreadsheets take such a cell for a formula, and reviewers' words are anybody's.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
