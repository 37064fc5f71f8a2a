"""What does a report consist of, whatever form it takes? Blocks of words, numbers, tables and charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.charts.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number as people read it, the very number of the run behind it, and where the run keeps it.

    ``source`` is a JSON pointer into the bundle.
    """

    text: str
    exact: float | int
    source: str


type Cell = str | Number


class Tone(StrEnum):
    """How a paragraph is meant."""

    PLAIN = "plain"
    ANSWER = "answer"
    NOTE = "note"
    ALARM = "alarm"
    CALM = "calm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Terms and what they are here."""

    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    text: str
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    chart: Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    text: str


type Block = Heading | Paragraph | Items | Facts | Table | Figure | Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report in one language."""

    language: str
    title: str
    lead: str
    sha256: str
    blocks: tuple[Block, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Figure))
