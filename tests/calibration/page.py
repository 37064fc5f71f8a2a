"""docs/calibration.md: what was counted, as a page. Written from records alone, so that anybody can again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.calibration import ranks
from tests.calibration.claims.all import CLAIMS
from tests.calibration.claims.claim import Claim, Kept
from tests.calibration.lane import APART, CLAIMED, PROGRAMME, RANKED, Task, tasks
from tests.calibration.measure import COVERED, WRONG, Rates
from tests.calibration.programme import Discoveries, Q
from tests.calibration.records import Record, Records
from tests.calibration.tables import TABLES
from tests.calibration.words import HEAD, OF_CLAIMS, OF_PROGRAMME, OF_RANKS, OF_TABLE

IN_TWO_PARTS = (PROGRAMME, CLAIMED, RANKED)  # sections whose rows are named so
OTHERWISE = {
    "**fail": "Failing",
    "undecided": "Undecided",
    "untestable": "Untestable",
    "**n": "Not counted yet, or never answered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the page: what it says, and last whether it holds."""

    cells: tuple[str, ...]
    said: str

    def __str__(self) -> str:
        return f"| {' | '.join((*self.cells, self.said))} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What most rows of the tables are of; a row of something else says so."""

    replications: int
    code: str

    @classmethod
    def of(cls, records: Sequence[Record]) -> "Usual":
        return cls(
            replications=Counter(one.replications for one in records).most_common(1)[0][0],
            code=Counter(one.code for one in records).most_common(1)[0][0],
        )

    def beside(self, record: Record, *, tries_shown: bool) -> str:
        told = (
            []
            if tries_shown or record.replications == self.replications
            else [f"R = {record.replications:,}"]
        )
        told += [] if record.code == self.code else [f"commit {record.code}"]
        return f" ({', '.join(told)})" if told else ""


def page(records: Records) -> str:
    """The whole page; a row that was not counted yet says so."""
    wanted = [(task, records.get(task.section, task.name)) for task in tasks(1)]
    counted = [record for _, record in wanted if record]
    usual = Usual.of([one for one in counted if one.section in TABLES])
    sections: dict[str, list[Line]] = {}
    for task, record in wanted:
        told = lines(record, usual) if record else [missing(task)]
        sections.setdefault(task.section, []).extend(told)
    texts = [
        f"## {section}\n\n{introduced(section)}{'\n'.join(map(str, of))}\n"
        for section, of in sections.items()
    ]
    return "\n".join([headed(counted, usual, summary(sections)), *texts])


def missing(task: Task) -> Line:
    """A row that the lane has not come to."""
    columns = introduced(task.section).splitlines()[-1].count("---") - 1
    known = task.name.split(APART)
    return Line(cells=(*known, *["–"] * (columns - len(known))), said="**not counted yet**")


def lines(record: Record, usual: Usual) -> list[Line]:
    """What is said of a record: a line, or one a parameter where ranks were counted."""
    beside = usual.beside(record, tries_shown=record.section in (CLAIMED, RANKED))
    if record.section == PROGRAMME:
        told = [of_programme(record)]
    elif record.section == CLAIMED:
        told = [of_claim(record)]
    elif record.section == RANKED:
        told = of_ranks(record)
    else:
        told = [of_row(record)]
    return [Line(cells=one.cells, said=one.said + beside) for one in told]


def of_row(record: Record) -> Line:
    rates = rates_of(record)
    row = rates.row
    judged = row.slope <= 0 or row.slope >= row.smallest
    cells = (
        row.name,
        f"{row.slope:.4g}",
        "unknown" if row.bound is None else f"{row.bound:g}",
        f"{rates.confirmed:.3f}",
        f"{rates.rejected:.3f}",
        with_error(rates, rates.wrong) if judged else "–",
        with_error(rates, rates.coverage) if row.covered else f"({rates.coverage:.3f})",
        row.published,
    )
    return Line(cells=cells, said=rates.said)


def rates_of(record: Record) -> Rates:
    [row] = [one for one in TABLES[record.section] if one.name == record.name]
    return Rates(row=row, replications=record.replications, **record.found)


def with_error(rates: Rates, share: float) -> str:
    return f"{share:.3f} ± {rates.error(share):.3f}"


def of_programme(record: Record) -> Line:
    truth, rule = record.name.split(APART)
    one = Discoveries(name=truth, rule=rule, replications=record.replications, **record.found)
    share = "–" if one.found is None else f"{one.found:.3f}"
    return Line(cells=(truth, rule, f"{one.false_share:.3f} ± {one.error:.3f}", share), said=one.said)


def of_claim(record: Record) -> Line:
    [claim] = [one for one in CLAIMS if APART.join((one.family, one.name)) == record.name]
    kept = Kept(claim=claim, tries=record.replications, **record.found)
    cells = (
        claim.family,
        claim.name,
        f"{kept.share:.3f} ± {kept.error:.3f}",
        bar(claim),
        f"{kept.answered} of {kept.tries}",
    )
    return Line(cells=cells, said=kept.said)


def bar(claim: Claim) -> str:
    return f"≥ {claim.at_least:g}" if claim.at_least is not None else f"≤ {claim.at_most:g}"


def of_ranks(record: Record) -> list[Line]:
    of = ranks.Ranked(method=record.name, tries=record.replications, **record.found)
    answered = f"{of.answered} of {of.tries}"
    return [
        Line(
            cells=(of.method, told, f"{of.p_value(name):.2g}", f"{of.inside(name):.3f}", answered),
            said=of.said(name),
        )
        for name, told in ranks.PARAMETERS.items()
    ]


def introduced(section: str) -> str:
    texts = {
        PROGRAMME: OF_PROGRAMME.format(q=Q),
        CLAIMED: OF_CLAIMS,
        RANKED: OF_RANKS.format(fails=ranks.FAILS, doubtful=ranks.DOUBTFUL),
    }
    return texts.get(section, OF_TABLE)


def summary(sections: dict[str, list[Line]]) -> str:
    """What an analyst reads first: how many rows hold, and every one that does not."""
    said = [(section, line) for section, of in sections.items() for line in of]
    holding = sum(line.said.startswith("holds") for _, line in said)
    told = [f"{holding} of {len(said)} rows hold."]
    for word, how in OTHERWISE.items():
        named = [
            f"- {', '.join(line.cells[: 1 + (section in IN_TWO_PARTS)])} ({section})"
            for section, line in said
            if line.said.startswith(word)
        ]
        if named:
            told += [f"\n{how}: {len(named)}\n", *named]
    return "\n".join(told)


def headed(rows: Sequence[Record], usual: Usual, told: str) -> str:
    return HEAD.format(
        replications=usual.replications,
        seed=rows[0].seed,
        code=usual.code,
        version=rows[0].version,
        first=min(one.day for one in rows),
        last=max(one.day for one in rows),
        wrong=WRONG,
        covered=COVERED,
        at_bar=(WRONG * (1 - WRONG) / usual.replications) ** 0.5,
        at_coverage=(0.95 * 0.05 / usual.replications) ** 0.5,
        summary=told,
    )
