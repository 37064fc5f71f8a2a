"""By which methods did the numbers come about? Each with its formula and where it is from."""

from service.kit.words import Words
from service.reports.content import Block, Column, Heading, Table


def methods(words: Words, *, lever: bool, effects: bool = True, program: bool = False) -> list[Block]:
    """Those of a run's effects, those that a verdict rests on, and those that look over all verdicts."""
    rows = [
        *(_of_effects(words) if effects else ()),
        *(_of_levers(words) if lever else ()),
        *(_of_programs(words) if program else ()),
    ]
    _ = words.gettext
    columns = (Column(text=_("Method")), Column(text=_("Formula")), Column(text=_("After")))
    return [
        Heading(text=_("Methods")),
        Table(caption=_("In the order of the report"), columns=columns, rows=rows),
    ]


def _of_effects(words: Words) -> list[tuple[str, str, str]]:
    _ = words.gettext
    return [
        (
            _("Sample ratio: did arms get the shares that were planned?"),
            _("χ² = Σ (n − planned)² / planned, arms − 1 degrees of freedom a phase; alarm at p < .001"),
            "Pearson (1900)",
        ),
        (
            _("Effect: arm minus control, phase by phase"),
            _("Δ = m₁ − m₀, SE² = s₁²/n₁ + s₀²/n₀, Welch’s t; phases weighted by their units"),
            "Welch (1947); Miratrix, Sekhon & Yu (2013), JRSS B 75(2)",
        ),
        (
            _("Adjustment for what was known before exposure"),
            _("m_k − θ_k′(x_k − x_pooled), θ_k by regression within the arm"),
            "Lin (2013), Annals of Applied Statistics 7(1)",
        ),
        (
            _("Interval that holds at any look"),
            "Δ ± SE √( 2 (x + 1)/x · ln( √(x + 1)/α ) ), x = n ρ²",
            "Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52(6)",
        ),
    ]


def _of_levers(words: Words) -> list[tuple[str, str, str]]:
    _ = words.gettext
    return [
        (
            _("Slope of the KPI on the CPI: those that the arms do not refute"),
            "r(x) = b − x a; AR(x) = r′ V(x)⁻¹ r ~ χ²(K)",
            "Anderson & Rubin (1949); Fieller (1954); Moreira (2003), Econometrica 71(4)",
        ),
        (
            _("Do all arms fit one slope?"),
            "min AR(x) over x ~ χ²(K − 1)",
            "Anderson & Rubin (1949)",
        ),
        (
            _("Verdict, under the rule that was registered before the data"),
            _(
                "Gates first. Confirmed: the interval lies above 0, also with a common effect taken out, in "
                "two mechanisms, and with every rival’s slope left free. Rejected: it lies below d, by the "
                "same steps."
            ),
            "docs/methods/verdict.md",
        ),
        (
            _("One error rate for all verdicts of a hypothesis"),
            _("the k-th is due when the information 1/SE² has doubled, at α_k = α / (k (k + 1))"),
            "docs/methods/verdict-looks.md",
        ),
    ]


def _of_programs(words: Words) -> list[tuple[str, str, str]]:
    _ = words.gettext
    return [
        (
            _("False ones expected among all that are called levers"),
            _("q₍ᵢ₎ = min over j ≥ i of p₍ⱼ₎ · m (1 + 1/2 + … + 1/m) / j, m verdicts with a p-value"),
            "Benjamini & Yekutieli (2001), Annals of Statistics 29(4)",
        ),
    ]
