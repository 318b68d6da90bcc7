"""Flagged images, and how far reviewers agree, as tables for people and their spreadsheets."""

import csv
import io
from collections.abc import Callable, Mapping

from pydantic import JsonValue

LABEL_QUEUE = "label_queue.csv"
AGREEMENT = "agreement.csv"
DOUBTS = "doubts.csv"


def label_queue(entries: list[JsonValue]) -> str:
    """Return flagged images as CSV, for whoever looks after the labels.

    Args:
        entries: Output ``queue`` of a bank.
    """
    return _table(entries, {"name": "name", "sha256": "image"}, "flags", "artefact", "comment")


def agreement_table(entries: list[JsonValue]) -> str:
    """Return how far the reviewers of each image agree as CSV; cells are counted from 1.

    Args:
        entries: Output ``agreement`` of a bank.
    """
    rows: list[JsonValue] = []
    for entry in entries:
        if isinstance(entry, dict):
            named = {name: _cells(entry[name]) for name in ("contradicted", "left_out")}
            reviewers = entry["reviewers"]
            names = " ".join(map(str, reviewers)) if isinstance(reviewers, list) else ""
            is_low = "low" if entry["is_low"] is True else ""
            rows.append({**entry, **named, "reviewers": names, "agreement": is_low})
    return _table(
        rows,
        {"name": "name", "sha256": "image"},
        "reviewers",
        "overlap",
        "kappa",
        "contradicted",
        "left_out",
        "agreement",
    )


def doubts_table(entries: list[JsonValue]) -> str:
    """Return the images whose marks are doubtful, and why, as CSV.

    Args:
        entries: Output ``doubts`` of a bank.
    """
    rows: list[JsonValue] = [
        {**entry, "doubts": " ".join(map(str, found))}
        for entry in entries
        if isinstance(entry, dict) and isinstance(found := entry["doubts"], list)
    ]
    return _table(rows, {"name": "name", "sha256": "image"}, "doubts")


TABLES: Mapping[str, tuple[str, Callable[[list[JsonValue]], str]]] = {
    LABEL_QUEUE: ("queue", label_queue),
    AGREEMENT: ("agreement", agreement_table),
    DOUBTS: ("doubts", doubts_table),
}
"""Every table by its file: the part of a bank that it shows, and how."""


def _table(entries: list[JsonValue], named: dict[str, str], *columns: str) -> str:
    fields = named | {column: column for column in columns}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(fields)
    for entry in entries:
        if isinstance(entry, dict):
            values = [entry[field] for field in fields.values()]
            # Numbers are ours, and may be negative; words are anybody's.
            writer.writerow([_inert(v) if isinstance(v, str) else v for v in values])
    return buffer.getvalue()


def _cells(positions: JsonValue) -> str:
    """Name cells as the page does."""
    return ", ".join(
        f"row {int(str(one[0])) + 1} column {int(str(one[1])) + 1}"
        for one in (positions if isinstance(positions, list) else [])
        if isinstance(one, list)
    )


def _inert(cell: str) -> str:
    # Spreadsheets take such a cell for a formula, and reviewers' words are anybody's.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
