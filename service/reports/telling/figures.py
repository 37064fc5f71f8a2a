"""How are a result's numbers told? As people read them, each with the run's own number behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.kit.words import Words
from service.reports.bundles import MetricPart
from service.reports.content import Block, Cell, Column, Document, Facts, Heading, Number, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """One bundle's numbers in one language."""

    words: Words

    def signed(self, value: float | None, metric: MetricPart, source: str) -> Cell:
        """An effect in the unit that people read; a share's in percentage points."""
        if value is None:
            return self.words.gettext("open")
        return Number(text=self.sized(value, share=metric.share), exact=value, source=source)

    def sized(self, value: float, *, share: bool) -> str:
        text = self.words.number(value * 100.0 if share else value, signed=True)
        return self.words.gettext("{n} points").format(n=text) if share else text

    def range(self, low: float | None, high: float | None, *, share: bool) -> str:
        """Both ends, with their unit once; an open end says so."""
        _ = self.words.gettext
        first = _("open") if low is None else self.sized(low, share=share and high is None)
        last = _("open") if high is None else self.sized(high, share=share)
        if low is not None and share and high is not None:
            first = self.words.number(low * 100.0, signed=True)
        return _("{low} to {high}").format(low=first, high=last)

    def level(self, value: float, metric: MetricPart, source: str) -> Number:
        """What a metric comes to; a share's in per cent."""
        text = f"{self.words.number(value * 100.0)} %" if metric.share else self.words.number(value)
        return Number(text=text, exact=value, source=source)

    def percent(self, value: float | None, source: str) -> Cell:
        if value is None:
            return self.words.gettext("open")
        return Number(text=f"{self.words.number(value * 100.0, signed=True)} %", exact=value, source=source)

    def chance(self, value: float, source: str) -> Number:
        """A share that is computed, and never nothing; all of it is said as it is."""
        told = self.words.amount(100.0, "") if value > 0.999 else self.words.percent(value)
        return Number(text=f"{told} %", exact=value, source=source)

    def count(self, value: int, source: str) -> Number:
        return Number(text=self.words.count(value), exact=value, source=source)

    def plain(self, value: float, source: str) -> Number:
        return Number(text=self.words.number(value), exact=value, source=source)


def document(words: Words, title: str, lead: str, sha256: str, blocks: Sequence[Block]) -> Document:
    """A report's blocks, and below them every number that they show."""
    return Document(
        language=words.language,
        title=title,
        lead=lead,
        sha256=sha256,
        blocks=(*blocks, *exact_numbers(words, blocks)),
    )


def exact_numbers(words: Words, blocks: Sequence[Block]) -> list[Block]:
    """Every number that the blocks show, with all the digits that the run keeps, and where it stands."""
    _ = words.gettext
    shown = {one.source: one for block in blocks for one in _numbers(block)}
    if not shown:
        return []
    rows = [
        (one.source, one.text, Number(text=repr(one.exact), exact=one.exact, source=one.source))
        for one in shown.values()
    ]
    columns = (
        Column(text=_("Place in the bundle")),
        Column(text=_("As it is told"), numeric=True),
        Column(text=_("As it is kept"), numeric=True),
    )
    table = Table(caption=_("By JSON pointer into the bundle"), columns=columns, rows=rows)
    return [Heading(text=_("Every number above, with all its digits")), table]


def _numbers(block: Block) -> Iterator[Number]:
    rows: Sequence[Sequence[Cell]] = block.rows if isinstance(block, Table | Facts) else ()
    return (cell for row in rows for cell in row if isinstance(cell, Number))
