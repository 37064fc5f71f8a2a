"""What follows from all that counts? The registered rule and the evidence in, a verdict out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue

from analyses import (
    ExperimentContrasts,
    Judgement,
    Label,
    Look,
    NotEstimable,
    Reason,
    Rule,
    State,
    as_json,
    at_look,
    blocked,
    information,
    judge,
    look_alpha,
    next_look,
    unanswered,
)
from service.evidence.documents import STOPPED_EARLY, DiscoveryDocument, LookDocument, LookState
from service.hypotheses.registered import RegisteredHypothesis


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the counting run of one experiment says."""

    experiment_id: str
    name: str
    run_id: str
    named: bool
    contrasts: ExperimentContrasts | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An experiment that counts and has no final run, and why it has none."""

    experiment_id: str
    name: str
    run_id: str | None  # the last run that says why
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """The last verdict that was issued on the evidence: what it spent, and what it said.

    ``same_question`` is False where what decides has been amended since; ``newest_id`` is another verdict
    where a gate has blocked one since.
    """

    look: Look
    verdict_id: str
    newest_id: str
    experiments: list[JsonValue]
    relationship: dict[str, JsonValue]
    verdict: dict[str, JsonValue]
    same_question: bool
    discovery: DiscoveryDocument | None = None

    @property
    def used(self) -> frozenset[object]:
        """The experiments that it rested on."""
        return frozenset(
            one["experiment_id"] for one in self.experiments if isinstance(one, dict) and one.get("used")
        )

    @property
    def runs(self) -> frozenset[object]:
        """The runs of those experiments."""
        return frozenset(
            one["run_id"] for one in self.experiments if isinstance(one, dict) and one.get("used")
        )

    @property
    def stands(self) -> bool:
        """Whether it is the latest verdict."""
        return self.verdict_id == self.newest_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that a verdict rests on."""

    hypothesis: RegisteredHypothesis
    counted: tuple[Counted, ...]
    missing: tuple[Missing, ...]
    planned_shift: float | None
    bound_evidence: int
    names: Mapping[str, str]  # of all that a sentence may refer to
    amended: "Amended | None" = None
    last: LastLook | None = None

    @property
    def usable(self) -> list[ExperimentContrasts]:
        """The contrasts of the experiments that could be estimated."""
        return [one.contrasts for one in self.counted if isinstance(one.contrasts, ExperimentContrasts)]

    @property
    def used(self) -> frozenset[object]:
        """Their experiments."""
        return frozenset(
            one.experiment_id for one in self.counted if isinstance(one.contrasts, ExperimentContrasts)
        )

    @property
    def runs(self) -> frozenset[object]:
        """Their runs."""
        return frozenset(one.run_id for one in self.counted if isinstance(one.contrasts, ExperimentContrasts))

    @property
    def key(self) -> dict[str, JsonValue]:
        """Changes whenever the verdict might: compared before a verdict is kept."""
        return {
            "hypothesis": self.hypothesis.sha256,
            "runs": [one.run_id for one in self.counted],
            "missing": [one.experiment_id for one in self.missing],
            "stopped_early": [one.experiment_id for one in self.missing if one.why.code == STOPPED_EARLY],
            "planned_shift": self.planned_shift,
            "bound_evidence": self.bound_evidence,
            "before_amendment": None if self.amended is None else self.amended.before.key,
            "after_verdicts": None if self.last is None else [self.last.verdict_id, self.last.newest_id],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """What decides was amended after the first experiment had started (docs/adr/0009).

    ``before`` is the same evidence under the version in force at that start; ``since`` is, under the amended
    version, only what started after the amendment, and None while nothing did.
    """

    fields: tuple[str, ...]
    at: datetime
    before: Basis
    since: Basis | None

    @property
    def reason(self) -> Reason:
        told = ", ".join(self.fields)
        return Reason(
            code="amended_after_start",
            text=f"What decides was amended ({told}) on {self.at:%Y-%m-%d at %H:%M} UTC, after an experiment "
            "had started, and the answer before the amendment was another one: new experiments, started "
            "after it, decide.",
        )


def rule_of(basis: Basis) -> Rule:
    """The registered rule, as a verdict takes it."""
    hypothesis = basis.hypothesis
    return Rule(
        direction=hypothesis.sign,
        smallest_slope=hypothesis.smallest_slope,
        alpha=hypothesis.alpha,
        direct_effect_bound=hypothesis.direct_effect_bound,
        increment=hypothesis.cpi.valued.amount,
        better=hypothesis.cpi.valued.better.sign,
        planned_shift=basis.planned_shift,
        bound_evidence=basis.bound_evidence,
        missing_experiments=tuple(one.name for one in basis.missing if one.why.code != STOPPED_EARLY),
        step=hypothesis.cpi.valued.words,
    )


def rule_document(basis: Basis) -> dict[str, JsonValue]:
    """The rule as it is kept beside the verdict that it gave."""
    document = as_json(rule_of(basis))
    if not isinstance(document, dict):
        raise TypeError(f"a rule must be a JSON object, got {type(document).__name__}")
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict and the basis that it rests on in the end; None where no verdict is due yet."""

    basis: Basis
    judgement: Judgement | None
    look: LookDocument


def judged(basis: Basis) -> Judged:
    """The verdict on all that counts, if one is due; nobody changes the question once its data come in."""
    evidence, look = looked(basis)
    amended = evidence.amended
    since = None if amended is None else _decides_since(amended, basis.last)
    if since is not None and look.state is not LookState.BLOCKED:
        return _issued(*looked(since))
    if amended is None or look.state is LookState.WAITS:
        return _issued(evidence, look)
    found, before = judgement(evidence, look.alpha), judgement(amended.before, look.alpha)
    if before.verdict.state is found.verdict.state:
        return Judged(basis=evidence, judgement=_labelled(found, before), look=look)
    if amended.since is not None:
        anew = None if basis.last is None else replace(basis.last, same_question=False)
        return _issued(*looked(replace(amended.since, last=anew)))
    unspent = LookDocument.of(
        state=LookState.BLOCKED, **look.model_dump(include={"number", "alpha", "information", "due_at"})
    )
    return Judged(basis=evidence, judgement=_blocked(found, [amended.reason]), look=unspent)


def _decides_since(amended: Amended, last: LastLook | None) -> Basis | None:
    """What started after the amendment, if the last verdict rested on nothing else: it goes on to decide."""
    since = amended.since
    if since is None or last is None or not last.same_question:
        return None
    later = {one.experiment_id for one in since.counted}
    return replace(since, last=last) if later and last.used <= later else None


def _issued(basis: Basis, look: LookDocument) -> Judged:
    waits = look.state is LookState.WAITS
    return Judged(basis=basis, judgement=None if waits else judgement(basis, look.alpha), look=look)


def looked(basis: Basis) -> tuple[Basis, LookDocument]:
    """Whether a verdict is due, on what evidence, and at which error rate (rule E, step 6).

    What a gate blocks cannot err and spends nothing. An amended question is a new one at once; its number
    goes on, so that all verdicts of a hypothesis share one error rate.
    """
    rule, last = rule_of(basis), basis.last
    known = information(rule, basis.usable) if basis.usable else None
    if not isinstance(known, float) or _hindered(basis, rule):
        return basis, _unspent(rule, last, known if isinstance(known, float) else 0.0)
    if last is None or not last.same_question:
        number = 1 if last is None else last.look.number + 1
        due = Look(number=number, alpha=look_alpha(rule.alpha, number), information=known)
        return basis, _spent(LookState.TAKEN, due)
    found = None if last.used == basis.used else next_look(rule.alpha, last.look, known)
    if found is not None:
        return basis, _spent(LookState.TAKEN, found)
    if last.used != basis.used and last.runs <= basis.runs:
        waits = _spent(LookState.WAITS, last.look)
        return basis, LookDocument.of(**waits.model_dump(exclude={"text", "information"}), information=known)
    return _corrected(basis, rule, last)


def _corrected(basis: Basis, rule: Rule, last: LastLook) -> tuple[Basis, LookDocument]:
    """The last verdict again, on the experiments that it rested on; all others go on waiting.

    Where none of those counts any more, all that there is takes their place.
    """
    own = _only(basis, last.used)
    own = own if own.usable else basis
    known = information(rule, own.usable)
    if not isinstance(known, float):
        return own, _unspent(rule, last, 0.0)
    again = next_look(rule.alpha, last.look, known, again=True)
    if again is None:
        raise ValueError("a correction is always due")
    return own, _spent(LookState.CORRECTED, again)


def _only(basis: Basis, experiments: frozenset[object]) -> Basis:
    """Without the contrasts of other experiments, before the amendment too."""
    counted = tuple(
        one
        for one in basis.counted
        if one.experiment_id in experiments or isinstance(one.contrasts, NotEstimable)
    )
    amended = basis.amended
    if amended is not None:
        amended = replace(amended, before=_only(amended.before, experiments))
    return replace(basis, counted=counted, amended=amended)


def _spent(state: LookState, look: Look) -> LookDocument:
    return LookDocument.of(
        state=state,
        number=look.number,
        alpha=look.alpha,
        information=look.information,
        due_at=look.next_at,
    )


def _unspent(rule: Rule, last: LastLook | None, known: float) -> LookDocument:
    number, due_at = (1, 0.0) if last is None else (last.look.number + 1, last.look.next_at)
    alpha = look_alpha(rule.alpha, number)
    return LookDocument.of(
        state=LookState.BLOCKED, number=number, alpha=alpha, information=known, due_at=due_at
    )


def _hindered(basis: Basis, rule: Rule) -> bool:
    """Whether a verdict is inconclusive whatever the effects are."""
    refused = any(isinstance(one.contrasts, NotEstimable) and one.named for one in basis.counted)
    gated = rule.smallest_slope is None or bool(basis.missing) or bool(blocked(rule, basis.usable))
    return refused or gated or _capped_by_design(rule, basis.usable)


def _capped_by_design(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> bool:
    """Whether one mechanism cannot decide (step 0): such a verdict cannot err, so it spends no look."""
    arms = (arm for one in experiments for arm in one.arms if not arm.placebo)
    return rule.direct_effect_bound is None and len({arm.mechanism for arm in arms}) < 2


def _labelled(found: Judgement, before: Judgement) -> Judgement:
    """Of two versions that agree on the state, neither earns a better label by the amendment."""
    if before.verdict.label is found.verdict.label:
        return found
    if before.verdict.label is Label.ON_ASSUMPTION:
        return before
    if found.verdict.label is Label.ON_ASSUMPTION:
        return found
    return replace(found, verdict=replace(found.verdict, label=None))


def judgement(basis: Basis, alpha: float) -> Judgement:
    """The verdict on all that counts; one that was made for the hypothesis and failed is not left out."""
    usable = basis.usable
    refused = [
        (one.name, one.contrasts)
        for one in basis.counted
        if isinstance(one.contrasts, NotEstimable) and (one.named or not usable)
    ]
    why = [_refusal(name, refusal) for name, refusal in refused]
    early = [one.why for one in basis.missing if one.why.code == STOPPED_EARLY]
    if usable:
        found = judge(at_look(rule_of(basis), alpha), usable)
        return _blocked(found, [*why, *early]) if why or early else found
    if not refused:
        raise ValueError("a verdict needs at least one experiment that has reported")
    silent = [
        Reason(code="experiment_missing", text=one.why.text)
        for one in basis.missing
        if one.why.code != STOPPED_EARLY
    ]
    named = replace(refused[0][1], detail=why[0].text)  # whose it is, and a sentence
    return _blocked(unanswered(named), [*why[1:], *silent, *early])


def _refusal(name: str, why: NotEstimable) -> Reason:
    return Reason(code=why.reason, text=f"{name} cannot be estimated: {why.detail}.")


def _blocked(found: Judgement, own: Sequence[Reason]) -> Judgement:
    blocked = found.verdict.state is State.INCONCLUSIVE
    reasons = (*(found.verdict.reasons if blocked else ()), *own)
    verdict = replace(
        found.verdict,
        state=State.INCONCLUSIVE,
        label=None,
        reasons=reasons,
        sentence=" ".join(["Inconclusive.", *(one.text for one in reasons)]),
    )
    return replace(found, verdict=verdict)
