"""Which of an experiment's many effects may be called real together?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from analyses.effects.reading import Reading
from analyses.multiplicity import Correction, adjusted_p_values, bayesian_fdr, e_bh
from analyses.results import NotEstimable

type Key = tuple[str, str]
"""Metric, arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """One effect among the many of its family.

    ``holm``, ``bh`` and ``by`` are adjusted p-values at the planned end; ``e_bh`` says whether the effect is
    a signal at any look, ``bayesian`` whether it is one of those of which by their posteriors at most a share
    of alpha is expected false. None where the effect has no such number.
    """

    primary: bool
    holm: float | None
    bh: float | None
    by: float | None
    e_bh: bool | None
    bayesian: bool | None


def signals(
    readings: Sequence[Reading],
    *,
    primary: Collection[str],
    secondary: Collection[str],
    alpha: float = 0.05,
) -> dict[Key, Signals]:
    """Every effect of the plan's own metrics, corrected for their number, over metrics and arms.

    Question: which metrics and arms moved, when the number of questions is taken into account?
    Estimand: none.
    Assumes: the ``primary`` metrics were registered as such; they are a family of their own, which no number
    of secondary ones makes harder to show. Metrics in neither (rivals, which other teams register) are
    nobody's question here and belong to no family.
    Formula: those of ``adjusted_p_values``, ``e_bh`` and ``bayesian_fdr`` in each of the two families; an
    effect's posterior chance to be none is that of the region of practical equivalence where one was
    registered, else that of the other sign.
    Reference: Holm (1979); Benjamini & Hochberg (1995); Benjamini & Yekutieli (2001); Wang & Ramdas (2022).
    """
    found: dict[Key, Signals] = {}
    for family, first in ((primary, True), (set(secondary) - set(primary), False)):
        members = {(one.metric, one.arm): one for one in readings if one.metric in family}
        found |= _family(members, primary=first, alpha=alpha)
    return found


def _family(members: Mapping[Key, Reading], *, primary: bool, alpha: float) -> dict[Key, Signals]:
    p = {key: value for key, one in members.items() if (value := one.chosen.p_value) is not None}
    corrected = {rule: adjusted_p_values(p, correction=rule) for rule in Correction}
    log_e = {key: value for key, one in members.items() if (value := _log_e(one)) is not None}
    nulls = {key: value for key, one in members.items() if (value := _null(one)) is not None}
    by_e, by_posterior = e_bh(log_e, q=alpha), bayesian_fdr(nulls, q=alpha)
    return {
        key: Signals(
            primary=primary,
            holm=corrected[Correction.HOLM].get(key),
            bh=corrected[Correction.BH].get(key),
            by=corrected[Correction.BY].get(key),
            e_bh=key in by_e if key in log_e else None,
            bayesian=key in by_posterior if key in nulls else None,
        )
        for key in members
    }


def _log_e(reading: Reading) -> float | None:
    found = reading.chosen.anytime
    return None if found is None or isinstance(found, NotEstimable) else found.log_e_value


def _null(reading: Reading) -> float | None:
    if reading.belief is None or isinstance(reading.belief, NotEstimable):
        return None
    said = reading.belief.belief
    return min(said.p_better, 1.0 - said.p_better) if said.p_negligible is None else said.p_negligible
