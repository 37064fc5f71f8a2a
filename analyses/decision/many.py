"""Eight experiments or more: which steps stand between the hull and an answer?"""

from dataclasses import replace

import numpy as np

from analyses.decision.answers import Label, Verdict, inconclusive
from analyses.decision.case import Case, answer, capped, credit
from analyses.relationship.clusters import Clusters
from analyses.relationship.many import ManyExperiments
from analyses.relationship.mechanisms import sizes_differ, two_agree
from analyses.rule import Reason, reason

AGAIN = 0.9  # least chance that a new experiment's slope has the sign, below which the lever depends on where
DIFFERENT = 0.05  # level at which mechanisms are said to differ in size: it says how, and decides nothing


def decide(case: Case, clusters: Clusters) -> Verdict:
    """Steps 2 to 5: no test of one slope stands in the way, since the hull holds slopes that differ."""
    if not case.rejecting and case.lower <= 0:
        return inconclusive(case.slope, [reason("too_few_experiments")])
    found = _sets(case)
    apart = case.agrees(found.egger, rejecting=case.rejecting)
    unsettled, label = _exclusion(case, apart=apart)
    unsettled += credit(case, rejecting=case.rejecting)
    if unsettled:
        return inconclusive(case.slope, unsettled, label=label)
    differ = _size_differs(case, clusters)
    if differ is Label.SIZE_DIFFERS:
        verdict = answer(replace(case, slope=replace(case.slope, estimate=None)), differ)
        return replace(verdict, reasons=(reason("size_differs"), *verdict.reasons))
    return answer(case, differ)


def _sets(case: Case) -> ManyExperiments:
    if case.relationship.many is None:
        raise ValueError("the rule for many experiments needs their sets")
    return case.relationship.many


def _exclusion(case: Case, *, apart: bool) -> tuple[list[Reason], Label | None]:
    """Steps 0 and 3 ii with the bound unknown, and Egger's agreement under any bound (docs/adr/0008)."""
    common = [] if apart else [reason("egger_disagrees")]
    if case.rule.direct_effect_bound is not None:
        return common, None
    mechanisms = case.relationship.mechanisms
    if len(mechanisms) < 2:
        found, label = capped(case)
        return found + common, label
    ps = [m.p_reject if case.rejecting else m.p_confirm for m in mechanisms]
    both = two_agree([p for p in ps if p is not None], case.rule.alpha)
    unsettled = [] if both else [reason("mechanisms_not_both")]
    return unsettled + common, Label.MECHANISMS_AGREE if both and not apart else None


def _size_differs(case: Case, clusters: Clusters) -> Label | None:
    """How a confirmed slope varies: with the mechanism, else between experiments."""
    if case.rejecting:
        return None
    alike = _sets(case).heterogeneity
    common = float(np.arctan(case.relationship.liml.estimate * case.rule.direction / clusters.slope_unit))
    if sizes_differ(clusters, common, alike.q) < DIFFERENT:
        return Label.SIZE_DIFFERS
    return Label.SEGMENT_DEPENDENT if alike.p_new_positive < AGAIN else None
