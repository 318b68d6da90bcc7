"""The report of one run as people read it: a table of accuracies, and markdown."""

from collections.abc import Sequence

from models.report import GROUP_NAMES, RunReport, Score


def to_rows(report: RunReport) -> list[tuple[str, ...]]:
    """Return the comparison as rows of text, the header first.

    Args:
        report: A run's report.

    Returns:
        Rows of equal length: arm, then one cell per group with accuracy and interval in percent;
        a dash where a group has no classes; the header alone when there was no comparison.
    """
    rows: list[tuple[str, ...]] = [("", *GROUP_NAMES.values())]
    arms = report.arms or {}
    for one in report.arm_titles:
        scores = arms[one.arm]
        rows.append((one.title, *(_cell(getattr(scores, group)) for group in GROUP_NAMES)))
    return rows


def to_markdown(report: RunReport) -> str:
    """Return what a run came to as markdown, for pages that show a run or a version.

    Args:
        report: A run's report.

    Returns:
        The verdict with its reasons, the comparison as a table, how many edits led to it, and
        warnings. Words of reviewers are left out: they are people's, and may hold markup.
    """
    verdict = "Promoted" if report.decision.promote else "Not promoted"
    lines = [f"**{verdict}** by run `{report.run}`."]
    if report.arms is not None:
        header, *rows = to_rows(report)
        lines += ["", _row(header), _row(["---", *["--:"] * (len(header) - 1)])]
        lines += [_row(row) for row in rows]
        names = ", ".join(f"`{name}`" for name in report.edited_classes)
        lines += ["", f"Edited classes: {names} ({len(report.edits)} edits)."]
        lines += ["", *(f"- {reason}" for reason in report.decision.reasons)]
        lines += [line for text in report.warnings for line in ("", f"**Warning:** {text}.")]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(score: Score | None) -> str:
    if score is None:
        return "–"
    return f"{100 * score.accuracy:.1f} % [{100 * score.low:.1f}, {100 * score.high:.1f}]"
