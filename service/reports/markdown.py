"""How does a report become Markdown? Tables for charts too, and every word escaped: none of it is mark-up."""

import re
from collections.abc import Sequence

from service.kit.numbers import number
from service.reports.content import (
    Block,
    Cell,
    Code,
    Document,
    Facts,
    Figure,
    Heading,
    Items,
    Number,
    Paragraph,
    Table,
    Tone,
)
from service.reports.words import inert

# A name in ids such as exp_01 stays as it can be copied: between letters and digits _ is never mark-up.
_SPECIAL = re.compile(r"([\\`*{}\[\]#|~$]|(?<![^\W_])_|_(?![^\W_]))")
_FIRST = re.compile(r"^(\d{1,9})?([.)]|[-+=]+)(?=\s|$)")


def markdown(document: Document) -> str:
    """The whole text, in CommonMark with tables."""
    parts = [f"# {escaped(document.title)}", escaped(document.lead)]
    parts += [_block(block, document.language) for block in document.blocks]
    parts.append(f"SHA-256 `{document.sha256}`")
    return inert("\n\n".join(part for part in parts if part) + "\n")


def escaped(text: str) -> str:
    """On one line, as words: nothing that somebody typed becomes a link, a tag, a heading or a table."""
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _FIRST.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", line))
    return line.replace("://", ":&#47;&#47;").replace("www.", "www&#46;").replace("@", "&#64;")


def _block(block: Block, language: str) -> str:  # noqa: PLR0911 - one case a block
    match block:
        case Heading():
            return f"## {escaped(block.text)}"
        case Paragraph():
            told = escaped(block.text)
            return f"**{told}**" if block.tone is Tone.ANSWER and told else told
        case Items():
            return "\n".join(f"- {escaped(text)}" for text in block.texts)
        case Facts():
            return "\n".join(f"- {escaped(term)}: {_cell(value)}" for term, value in block.rows)
        case Table():
            columns = [column.text for column in block.columns]
            numeric = [column.numeric for column in block.columns]
            return f"{escaped(block.caption)}\n\n{_table(columns, numeric, block.rows)}"
        case Figure():
            chart = block.chart
            rows = [
                [value if isinstance(value, str) else number(value, language) for value in row]
                for row in chart.rows
            ]
            table = _table(chart.columns, [False] * len(chart.columns), rows)
            return f"{escaped(chart.title)}: {escaped(chart.alt)}\n\n{table}"
        case Code():
            fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", block.text)), default=0))
            return f"{fence}text\n{block.text}\n{fence}"


def _table(columns: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[Cell]]) -> str:
    head = f"| {' | '.join(map(escaped, columns))} |"
    rule = f"|{'|'.join('---:' if right else '---' for right in numeric)}|"
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join([head, rule, *lines])


def _cell(value: Cell) -> str:
    return escaped(value.text if isinstance(value, Number) else value)
