"""How is it said what past experiments show, and which one to run next?"""

from collections.abc import Mapping

from analyses import DecidingExperiment, PlannedArm, PlannedArmRole, State, Verdict
from service.evidence.imported.documents import PastGrade

GRADES = {
    State.CONFIRMED: PastGrade.SPEAKS_FOR,
    State.REJECTED: PastGrade.SPEAKS_AGAINST,
    State.INCONCLUSIVE: PastGrade.OPEN,
}
_ONE_SAYS = {
    PastGrade.SPEAKS_FOR: "one past experiment speaks for the hypothesis",
    PastGrade.SPEAKS_AGAINST: "one past experiment speaks against the hypothesis",
    PastGrade.OPEN: "one past experiment leaves it open",
}
_SEVERAL_SAY = {
    PastGrade.SPEAKS_FOR: "{n} past experiments speak for the hypothesis",
    PastGrade.SPEAKS_AGAINST: "{n} past experiments speak against the hypothesis",
    PastGrade.OPEN: "{n} past experiments leave it open",
}


def retrospective(grade: PastGrade, verdict: Verdict, experiments: int) -> str:
    """The rule's sentence, under a heading that nobody can take for a verdict."""
    said = _ONE_SAYS[grade] if experiments == 1 else _SEVERAL_SAY[grade].format(n=experiments)
    rest = verdict.sentence.removeprefix(f"{verdict.state.capitalize()}.").strip()
    return " ".join([f"Retrospective, no verdict: {said}.", rest]).strip()


def arm_name(arm: PlannedArm, names: Mapping[str, str]) -> str:
    """What the arm is, by the name that people gave its mechanism."""
    if arm.role is PlannedArmRole.CONTROL:
        return "control"
    if arm.role is PlannedArmRole.PLACEBO:
        return "a placebo that changes the experience and not the CPI"
    if arm.tried is None:
        return "a second mechanism, still to be found"
    return "the unnamed mechanism" if arm.mechanism is None else names.get(arm.mechanism, arm.mechanism)


def next_sentence(found: DecidingExperiment, cpi: str, slope: str, names: Mapping[str, str]) -> str:
    """The experiment to run, in one paragraph."""
    others = [arm for arm in found.arms if arm.role is not PlannedArmRole.CONTROL]
    listed = "; ".join(_arm(arm, cpi, names) for arm in others)
    size, more = (
        found.units // len(found.arms),
        "one more arm" if len(others) == 1 else f"{len(others)} more arms",
    )
    return (
        f"Run one experiment with a control and {more} of the same size: {listed}. It takes {found.units:,} "
        f"units, {size:,} an arm, to confirm a slope of {slope} or to reject one of 0, each with power 80 %."
    )


def _arm(arm: PlannedArm, cpi: str, names: Mapping[str, str]) -> str:
    name = arm_name(arm, names)
    if arm.role is PlannedArmRole.PLACEBO:
        return name
    if arm.tried is None:
        return f"{name}, that moves “{cpi}” by {arm.shift:+.4g} or more in size"
    return f"“{name}”, which moved “{cpi}” by {arm.shift:+.4g} in “{names.get(arm.tried[0], arm.tried[0])}”"


def assumptions(found: DecidingExperiment, bound: float | None) -> tuple[str, ...]:
    """What the plan takes for granted."""
    told = [
        "Mechanisms move the CPI as far as they did; one that was picked for moving it far may move it less.",
        "Units differ as much as they did, and effects are adjusted for what was known before as they were.",
        "Past experiments are no part of the answer: the next one decides by itself.",
    ]
    if bound is not None:
        told.append(f"No arm changes the KPI by more than {bound:.4g} past the CPI, as registered.")
    if found.clusters is not None:
        told.append(
            f"Whole clusters are randomised, as they were: {found.clusters:,} of them, "
            f"{found.units / found.clusters:,.4g} units each, alike as they were."
        )
    if any(arm.role is PlannedArmRole.TREATMENT and arm.tried is None for arm in found.arms):
        told.append("One mechanism alone cannot tell the CPI from its own side effects: a second is needed.")
    return tuple(told)
