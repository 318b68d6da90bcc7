"""What a step says about itself: records that ``tasks/tracking.py`` alone takes to MLflow."""

from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True)
class Param:
    """A setting of the run."""

    name: str
    value: JsonValue


@dataclass(frozen=True)
class Tag:
    """A fact about the run that is not measured: an origin, a digest, a decision."""

    name: str
    value: str


@dataclass(frozen=True)
class Metric:
    """A measured number, at a step when it belongs to a series."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Figure:
    """A picture; the same name in every run, so that the compare page lines them up."""

    name: str
    png: bytes


@dataclass(frozen=True)
class Table:
    """Rows of named columns."""

    name: str
    columns: dict[str, list[JsonValue]]


@dataclass(frozen=True)
class Text:
    """A file of text, for people or other programs; its name ends in what it is, e.g. ``.csv``."""

    name: str
    content: str


Record = Param | Tag | Metric | Figure | Table | Text
