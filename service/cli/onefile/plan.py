"""Which flags stand in for a registration? What they say, checked against themselves before any data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from analyses import Json, Margin, Normal, Prior, PriorSource, Rule
from service.hypotheses.schemas import Direction
from service.metrics.customer import Better


class UsageProblem(Exception):
    """The flags contradict each other, or name what the file does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What the flags claim about the relationship; it holds for unit files and contrast files alike."""

    better: Better = Better.HIGHER
    increment: float = 1.0
    direction: Direction = Direction.INCREASE
    smallest_slope: float | None = None
    direct_effect_bound: float | None = None
    alpha: float = 0.05
    placebos: tuple[str, ...] = ()
    margins: Mapping[str, Margin] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _expect(isfinite(self.increment) and self.increment > 0, "--increment", "a number above 0")
        _expect(0 < self.alpha < 1, "--alpha", "a number between 0 and 1")
        d, g = self.smallest_slope, self.direct_effect_bound
        _expect(d is None or (isfinite(d) and d > 0), "--smallest-slope", "a number above 0")
        _expect(g is None or (isfinite(g) and g >= 0), "--direct-effect-bound", "a number, 0 or more")

    @property
    def kpi_sign(self) -> int:
        """1 when the KPI should rise as the CPI improves, -1 when it should fall."""
        return 1 if self.direction is Direction.INCREASE else -1

    @property
    def cpi_sign(self) -> int:
        """1 when a higher CPI is better for customers, -1 when a lower one is."""
        return self.better.sign

    @property
    def better_signs(self) -> tuple[int, int]:
        """Which direction of CPI and KPI is wanted."""
        return (self.cpi_sign, self.kpi_sign)

    @property
    def rule(self) -> Rule:
        """The verdict rule that these flags register."""
        return Rule(
            direction=self.kpi_sign,
            better=self.cpi_sign,
            smallest_slope=self.smallest_slope,
            alpha=self.alpha,
            direct_effect_bound=self.direct_effect_bound,
            increment=self.increment,
        )

    def told(self) -> dict[str, Json]:
        """The flags as they are echoed beside the answer."""
        return {
            "better": self.better.value,
            "increment": self.increment,
            "direction": self.direction.value,
            "smallest_slope": self.smallest_slope,
            "direct_effect_bound": "unknown"
            if self.direct_effect_bound is None
            else self.direct_effect_bound,
            "alpha": self.alpha,
            "placebo": list(self.placebos),
            "margin": {
                name: f"{100 * margin.amount:g}%" if margin.relative else margin.amount
                for name, margin in self.margins.items()
            },
            "prior": {
                name: [prior.distribution.mean, prior.distribution.deviation]
                for name, prior in self.priors.items()
                if isinstance(prior.distribution, Normal)
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a unit file hold what, and what the flags say about its arms."""

    arm: str
    control: str
    cpi: str
    kpi: str
    covariates: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    experiment: str | None = None
    unit: str | None = None
    cluster: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    mechanisms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roles = [("--arm", self.arm), ("--cpi", self.cpi), ("--kpi", self.kpi)]
        roles += [("--experiment", self.experiment)] if self.experiment is not None else []
        roles += [("--unit", self.unit)] if self.unit is not None else []
        roles += [("--cluster", self.cluster)] if self.cluster is not None else []
        roles += [("--rival", rival) for rival in self.rivals]
        roles += [("--covariate", covariate) for covariate in self.covariates]
        taken: dict[str, str] = {}
        for flag, column in roles:
            if column in taken:
                raise UsageProblem(f"{flag} {column!r} is already taken as {taken[column]}")
            taken[column] = flag

    @property
    def metrics(self) -> tuple[str, ...]:
        """CPI, KPI, then the rivals."""
        return (self.cpi, self.kpi, *self.rivals)

    def told(self) -> dict[str, Json]:
        """The flags as they are echoed beside the answer."""
        return {
            "arm": self.arm,
            "control": self.control,
            "cpi": self.cpi,
            "kpi": self.kpi,
            "covariate": list(self.covariates),
            "rival": list(self.rivals),
            "experiment": self.experiment,
            "unit": self.unit,
            "cluster": self.cluster,
            "weight": dict(self.shares) or None,
            "mechanism": dict(self.mechanisms),
        }


def shares(flags: Sequence[str]) -> dict[str, float]:
    """ARM=SHARE flags; shares on any scale."""
    found: dict[str, float] = {}
    for arm, text in _pairs("--weight", "ARM=SHARE", flags, last=True):
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        _expect(isfinite(share) and share >= 0, f"--weight {arm}={text}", "a share, 0 or more")
        found[arm] = share
    _expect(not found or sum(found.values()) > 0, "--weight", "at least one share above 0")
    return found


def mechanisms(flags: Sequence[str]) -> dict[str, str]:
    """ARM=NAME flags."""
    return dict(_pairs("--mechanism", "ARM=NAME", flags, last=False))


def margins(flags: Sequence[str]) -> dict[str, Margin]:
    """COL=HARM flags; with % a share of the control mean."""
    found: dict[str, Margin] = {}
    for column, text in _pairs("--margin", "COL=HARM", flags, last=True):
        amount, relative = _number(text.removesuffix("%")), text.endswith("%")
        what = f"--margin {column}={text}"
        _expect(isfinite(amount) and amount >= 0, what, "a harm, 0 or more, or a share such as 2%")
        _expect(not relative or amount < 100, what, "less than 100%")
        found[column] = Margin(amount=amount / 100 if relative else amount, relative=relative)
    return found


def priors(flags: Sequence[str]) -> dict[str, Prior]:
    """COL=MEAN,SD flags: normal priors of an effect, arm minus control, in the metric's units."""
    found: dict[str, Prior] = {}
    for column, text in _pairs("--prior", "COL=MEAN,SD", flags, last=True):
        mean, _, deviation = text.partition(",")
        m, s = _number(mean), _number(deviation)
        _expect(
            isfinite(m) and isfinite(s) and s > 0, f"--prior {column}={text}", "a mean, and an SD above 0"
        )
        found[column] = Prior(source=PriorSource.REGISTERED, distribution=Normal(mean=m, deviation=s))
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _pairs(flag: str, form: str, values: Sequence[str], *, last: bool) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for value in values:
        arm, equals, text = value.rpartition("=") if last else value.partition("=")
        _expect(bool(equals and arm and text), f"{flag} {value!r}", form)
        _expect(arm not in found, f"{flag} {value!r}", f"each arm once, {arm!r} was given already")
        found[arm] = text
    return list(found.items())


def _expect(holds: bool, what: str, expected: str) -> None:
    if not holds:
        raise UsageProblem(f"{what}: expected {expected}")
