"""docs/calibration.md: the measured error rates, as a page that anybody can make again."""

from collections.abc import Mapping, Sequence

from tests.calibration.measure import COVERED, WRONG, Rates
from tests.calibration.programme import Discoveries, Q

HEAD = """# Calibration

How often the rule confirms what is no lever, rejects one, and covers the true slope: measured by simulation
through the product's own code, `make calibrate`. R = {replications} replications a row unless its last column
says otherwise, seed {seed}; written on {day} by Leverboard {version} with the code of commit {code}, numpy
{numpy} and scipy {scipy}. The Monte Carlo error of a share p is √(p(1 − p)/R):
{at_bar:.4f} at the bar of {wrong}, {at_coverage:.4f} at a coverage of .95; ± gives one such error.

- **wrong**: confirmations where the true slope is at most 0, rejections where it is at least d, the smallest
  slope of interest (.1 standard deviations of the KPI per one of the CPI unless the table says otherwise).
  The bar is {wrong}. Between 0 and d both answers can be right.
- **coverage** is of the 95 % interval that decides. The bar is {covered}, on rows where the interval's own
  assumptions hold; elsewhere it stands in brackets.
- **before** is confirmed/rejected, then coverage, as simulations on sufficient statistics gave them when the
  method was chosen. Designs that were not recorded (the spread of the CPI effects in Table 2 above all) are
  reconstructed, so power differs; error rates must hold all the same.
- A row *holds* when it is within its bar, *fails* when it misses it by more than two Monte Carlo errors, and
  is *undecided* between: more replications would tell. *Untestable* truths give the same data as a lever
  would; no rule can tell them apart, only another design can.

Every row is judged by the whole rule, through the same function as a verdict of the service, at the level
of a single look; verdicts in turn are each judged at their own. How the interval for eight experiments or
more was chosen: `docs/adr/0008-an-interval-without-a-choice.md`.

In the first five tables arm means are drawn from normal distributions with known covariances of equal arms.
The tables "from unit rows" draw every unit, and all that follows is the product's: moments, means, estimated
covariances, the check on who was seen, the rule. A column that is seen for some units only is guarded by
that check (`observed_set_moved`); where it fails, an answer is given if every corner of Lee's bounds gives it
(`docs/adr/0017-whoever-is-seen.md`), and its coverage is then that of the hull.
"""

PROGRAMME = """## 200 hypotheses at once: what share of the signals is false?

Twenty experiments of ten arms each, which share their control (R = {count}); estimates at the level of arm
means, corrected over the programme at q = {q}. **False** is the mean share of false ones among the signals
(0 where there are none), **found** the share of true ones that are signals. Such corrections never enter a
verdict.

| truth | correction | false | found | |
|---|---|---|---|---|
"""


def page(tables: Mapping[str, Sequence[Rates]], programme: Sequence[Discoveries], **facts: str | int) -> str:
    """The whole page; ``facts`` are the seed, R and versions."""
    count = int(facts["replications"])
    head = HEAD.format(
        **facts,
        wrong=WRONG,
        covered=COVERED,
        at_bar=(WRONG * (1 - WRONG) / count) ** 0.5,
        at_coverage=(0.95 * 0.05 / count) ** 0.5,
    )
    sections = [section(name, rates, count) for name, rates in tables.items()]
    told = PROGRAMME.format(q=Q, count=programme[0].replications)
    last = told + "\n".join(map(programme_line, programme)) + "\n"
    return "\n".join([head, *sections, last])


def programme_line(one: Discoveries) -> str:
    found = "–" if one.found is None else f"{one.found:.3f}"
    return f"| {one.name} | {one.rule} | {one.false_share:.3f} ± {one.error:.3f} | {found} | {one.said} |"


def section(name: str, rates: Sequence[Rates], usual: int) -> str:
    lines = [
        f"## {name}\n",
        "| truth | b | bound | confirmed | rejected | wrong | coverage | before | |",
        "|---|---|---|---|---|---|---|---|---|",
        *(line(each, usual) for each in rates),
    ]
    return "\n".join(lines) + "\n"


def line(rates: Rates, usual: int | None = None) -> str:
    """One row; how many replications it has is said where they are not the ``usual`` number."""
    row, count = rates.row, rates.replications
    coverage = shown(rates, rates.coverage) if row.covered else f"({rates.coverage:.3f})"
    wrong = shown(rates, rates.wrong) if row.slope <= 0 or row.slope >= row.smallest else "–"
    bound = "unknown" if row.bound is None else f"{row.bound:g}"
    cells = (
        row.name,
        f"{row.slope:.4g}",
        bound,
        f"{rates.confirmed:.3f}",
        f"{rates.rejected:.3f}",
        wrong,
        coverage,
        row.published,
        rates.said if usual in (None, count) else f"{rates.said} (R = {count:,})",
    )
    return f"| {' | '.join(cells)} |"


def shown(rates: Rates, share: float) -> str:
    return f"{share:.3f} ± {rates.error(share):.3f}"
