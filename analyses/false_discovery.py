"""How easily would chance alone have confirmed this, if there were no lever?

A column of the board, over all hypotheses of a program: it never enters a verdict.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from analyses.decision.betting import log_e
from analyses.decision.chance import chance_of_few, chance_of_many
from analyses.decision.linking import linked
from analyses.decision.seen import corners_of
from analyses.multiplicity import Correction, adjusted_p_values
from analyses.relationship.clusters import Clusters
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.early import widened
from analyses.relationship.question import Question
from analyses.results import NotEstimable
from analyses.rule import Rule, missing
from analyses.verdict import blocked, question_of, stacked

LEAST = 1e-12  # p-values below are told as this: quadrature and rounding know no smaller ones
HALVINGS, PRECISE = 40, 1.001  # until the level is known to a thousandth of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """P-value of "no lever"; ``log_e_value`` where all evidence counts with anytime intervals, else None."""

    p_value: float
    log_e_value: float | None


def discovery(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Discovery | NotEstimable:
    """The smallest error rate at which rule E would have confirmed a lever on this evidence.

    Question: if the slope were zero or of the other sign, how easily would evidence as good as this come?
    Estimand: none; a p-value of "slope <= 0 in the hypothesised direction, or no lever by any other step".
    Assumes: what the rule assumes. It is the rule's own alpha and is not halved: with weak contrasts the
    whole error of a set may lie on one side (strong ones err half as often).
    Formula: the largest p-value of the steps that a confirmation takes, each over all slopes at or below
    zero: of the set that decides (CLR, Anderson-Rubin's with one contrast, the bounded set under a bound, the
    hull and Egger's from eight experiments on), of the differenced set, 2 (M - 1) p_(2) of the mechanisms, of
    each rival that moved too; 1 where contrasts disagree under a bound. Experiments that stopped early count
    with their anytime error at that same level; over Lee's corners the largest.
    E value, where every experiment counts with its anytime interval and there are fewer than eight: mixture
    over normal shifts, multiplied over experiments, the least over slopes at or below zero.
    Reference: Berger (1982), Technometrics 24; Benjamini & Heller (2008), Biometrics 64; Vovk & Wang (2021),
    Annals of Statistics 49(3).

    Not estimable where the rule may give no answer at all, whatever the effects are: a failed gate, an
    experiment that is awaited, one mechanism with the bound unknown. Nothing is claimed, so nothing is false.
    """
    if why := _nothing_claimed(rule, experiments):
        return why
    ways = corners_of(experiments) or [list(experiments)]
    for arms in ways:
        system = stacked(question_of(rule), linked(arms).speaking)
        if isinstance(system, NotEstimable):
            return system
    bets = [_bet(rule, arms) for way in ways for arms in _asked(way)]
    return Discovery(
        p_value=max(LEAST, *(_level(rule, way) for way in ways)),
        log_e_value=None if None in bets else min(bet for bet in bets if bet is not None),
    )


def _nothing_claimed(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> NotEstimable | None:
    if awaited := missing(rule.missing_experiments):
        return NotEstimable(
            reason="experiment_missing",
            detail=f"an experiment is awaited, nothing is claimed: {awaited[0].text}",
        )
    if gates := blocked(rule, experiments):
        return NotEstimable(
            reason="gate_failed", detail=f"a check that gates has failed, nothing is claimed: {gates[0].text}"
        )
    mechanisms = {arm.mechanism for one in experiments for arm in one.arms if not arm.placebo}
    if rule.direct_effect_bound is None and len(mechanisms) < 2:
        detail = "one mechanism decides nothing with the bound unknown: nothing is claimed"
        return NotEstimable(reason="one_mechanism", detail=detail)
    return None


def _asked(experiments: Sequence[ExperimentContrasts]) -> list[Sequence[ExperimentContrasts]]:
    """The arms that speak and, where some are silent, those with a role by themselves: both must confirm."""
    found = linked(experiments)
    return [found.speaking, found.own] if found.silent else [found.speaking]


def _level(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> float:
    """What looking on the way costs depends on the level: the smallest that its own p-value reaches."""

    def chance(level: float) -> float:
        return _chance(rule, [widened(one, level) for one in experiments])

    if all(one.early is None for one in experiments):
        return _chance(rule, experiments)
    high, low = 0.5, LEAST
    if chance(high) > high:
        return 1.0
    for _ in range(HALVINGS):
        middle = sqrt(low * high)
        low, high = (low, middle) if chance(middle) <= middle else (middle, high)
        if high < low * PRECISE:
            break
    return high


def _chance(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> float:
    return max(_chance_of(question_of(rule), arms) for arms in _asked(experiments))


def _chance_of(question: Question, experiments: Sequence[ExperimentContrasts]) -> float:
    system = stacked(question, experiments)
    if isinstance(system, NotEstimable):
        return 1.0
    if isinstance(system, Clusters):
        return chance_of_many(question, system, experiments)
    return chance_of_few(question, system, experiments)


def _bet(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> float | None:
    question = question_of(rule)
    system = stacked(question, experiments)
    if isinstance(system, Clusters):
        return None
    return 0.0 if isinstance(system, NotEstimable) else log_e(question, system, experiments)


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseDiscovery:
    """The smallest expected shares of false ones at which a hypothesis is among the signals of a program.

    ``any_dependence`` is Benjamini-Yekutieli's, ``positive_dependence`` Benjamini-Hochberg's, ``anytime``
    e-BH's over the hypotheses that have an E value, None for others.
    """

    any_dependence: float
    positive_dependence: float
    anytime: float | None


def false_discoveries[K: Hashable](found: Mapping[K, Discovery]) -> dict[K, FalseDiscovery]:
    """For every hypothesis of a program: how many false levers go with calling it one?

    Question: if all levers at least as sure as this one are called levers, what share of them is none?
    Estimand: none; a hypothesis is a signal at q where its share is at most q.
    Assumes: valid p-values; for ``positive_dependence`` that they depend positively, which hypotheses on
    opposite directions of one KPI need not. Hypotheses share experiments, controls and customers, so that
    ``any_dependence`` is the one to promise by.
    Formula: adjusted p-values over all hypotheses that have one, in one pass; e-BH is BH of 1 / E.
    Reference: Benjamini & Yekutieli (2001), Annals of Statistics 29(4); Wang & Ramdas (2022), JRSS B 84(3).

    >>> found = {"quotes": 0.001, "calls": 0.02, "returns": 0.6}
    >>> shares = false_discoveries({k: Discovery(p_value=p, log_e_value=None) for k, p in found.items()})
    >>> [round(one.any_dependence, 4) for one in shares.values()]
    [0.0055, 0.055, 1.0]
    """
    p_values = {key: one.p_value for key, one in found.items()}
    bets = {key: min(1.0, exp(-one.log_e_value)) for key, one in found.items() if one.log_e_value is not None}
    by = adjusted_p_values(p_values, correction=Correction.BY)
    bh = adjusted_p_values(p_values, correction=Correction.BH)
    e_bh = adjusted_p_values(bets, correction=Correction.BH)
    return {
        key: FalseDiscovery(any_dependence=by[key], positive_dependence=bh[key], anytime=e_bh.get(key))
        for key in found
    }
