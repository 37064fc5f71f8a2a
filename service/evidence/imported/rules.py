"""Which imports are refused, and why? Every rule that a report breaks, each with how to satisfy it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from service.evidence.imported.contrasts import impossible
from service.evidence.imported.schemas import PastExperiment, PastExperiments
from service.evidence.tables import ImportedExperiment
from service.kit.errors import Violation, excerpt

REGISTERED = "mec_"  # a mechanism that begins like this is one of ours, not a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the registry and earlier imports say of what a report refers to."""

    registered: Mapping[str, str]  # by id of a registered hypothesis that is named: its CPI
    drafts: frozenset[str]  # hypotheses that are named and only drafts
    mechanisms: Mapping[str, str]  # by id of a registered mechanism: its CPI
    run_here: frozenset[str]  # ids of experiments of this service
    imported: frozenset[tuple[str, str, str]]  # hypothesis, origin, key
    spelt: Mapping[tuple[str, str], str]  # by hypothesis and folded name: how a mechanism was spelt before


def hypothesis_of(sent: PastExperiments, experiment: PastExperiment) -> str | None:
    return experiment.hypothesis or sent.hypothesis


def refusals(sent: PastExperiments, known: Known, today: date) -> tuple[Violation, ...]:
    """Every rule that an import breaks."""
    return (
        *_twice(sent),
        *(
            violation
            for at, experiment in enumerate(sent.experiments)
            for violation in _experiment(f"experiments.{at}", sent, experiment, known, today)
        ),
        *_spellings(sent, known),
    )


def _twice(sent: PastExperiments) -> Iterator[Violation]:
    first: dict[tuple[str | None, str, str], int] = {}
    for at, experiment in enumerate(sent.experiments):
        key = (hypothesis_of(sent, experiment), experiment.origin, experiment.id)
        if first.setdefault(key, at) != at:
            yield Violation(
                field=f"experiments.{at}.id",
                rule="duplicate_experiment",
                message=f"{excerpt(experiment.id)} of {excerpt(experiment.origin)} stands here twice.",
                how="Give each experiment once, with all its arms.",
            )


def _experiment(
    place: str, sent: PastExperiments, experiment: PastExperiment, known: Known, today: date
) -> Iterator[Violation]:
    yield from _hypothesis(place, hypothesis_of(sent, experiment), known)
    yield from _arms(place, experiment)
    yield from _dates(place, experiment, today)
    yield from _mechanisms(place, sent, experiment, known)
    yield from _known_already(place, sent, experiment, known)
    yield from impossible(place, experiment)


def _hypothesis(place: str, hypothesis: str | None, known: Known) -> Iterator[Violation]:
    if hypothesis is None:
        yield Violation(
            field=f"{place}.hypothesis",
            rule="hypothesis_missing",
            message="Nothing says which hypothesis this is evidence on.",
            how="Name a registered hypothesis here, or for the whole import.",
        )
    elif hypothesis in known.drafts:
        yield Violation(
            field=f"{place}.hypothesis",
            rule="hypothesis_not_registered",
            message=f"Hypothesis {hypothesis} is only a draft.",
            how="Register it first: its rule grades what is imported.",
        )
    elif hypothesis not in known.registered:
        yield Violation(
            field=f"{place}.hypothesis",
            rule="unknown_hypothesis",
            message=f"There is no hypothesis {excerpt(hypothesis)}.",
            how="Name one that is registered here.",
        )


def _arms(place: str, experiment: PastExperiment) -> Iterator[Violation]:
    counted = Counter(arm.name for arm in experiment.arms)
    for at, arm in enumerate(experiment.arms):
        if counted[arm.name] > 1:
            yield Violation(
                field=f"{place}.arms.{at}.name",
                rule="duplicate_arm",
                message=f"The arm {excerpt(arm.name)} stands here {counted[arm.name]} times.",
                how="Give each arm once, against the control that all arms share.",
            )


def _dates(place: str, experiment: PastExperiment, today: date) -> Iterator[Violation]:
    start, end = experiment.started_on, experiment.ended_on
    if start is not None and end is not None and end < start:
        yield Violation(
            field=f"{place}.ended_on",
            rule="ends_before_it_starts",
            message=f"It ends on {end} and starts on {start}.",
            how="Give both days as they were.",
        )
    for name, day in (("started_on", start), ("ended_on", end)):
        if day is not None and day > today:
            yield Violation(
                field=f"{place}.{name}",
                rule="not_past",
                message=f"{day} is still to come.",
                how="Import an experiment once it has ended; run a new one here.",
            )


def _mechanisms(
    place: str, sent: PastExperiments, experiment: PastExperiment, known: Known
) -> Iterator[Violation]:
    """A mechanism that looks like one of ours must be one, and move the hypothesis' CPI."""
    cpi = known.registered.get(hypothesis_of(sent, experiment) or "")
    for at, arm in enumerate(experiment.arms):
        if arm.mechanism is None or not arm.mechanism.startswith(REGISTERED):
            continue
        if known.mechanisms.get(arm.mechanism) is None or known.mechanisms[arm.mechanism] != cpi:
            yield Violation(
                field=f"{place}.arms.{at}.mechanism",
                rule="unknown_mechanism",
                message=f"There is no mechanism {excerpt(arm.mechanism)} of the hypothesis' CPI.",
                how="Give the id of a registered mechanism of that CPI, or a name.",
            )


def _known_already(
    place: str, sent: PastExperiments, experiment: PastExperiment, known: Known
) -> Iterator[Violation]:
    if experiment.id in known.run_here:
        yield Violation(
            field=f"{place}.id",
            rule="runs_here",
            message=f"{experiment.id} runs here and reports by itself.",
            how="Analyse it with a run; only experiments that were run elsewhere are imported.",
        )
    there = (hypothesis_of(sent, experiment) or "", experiment.origin, experiment.id) in known.imported
    if there and experiment.corrects is None:
        yield Violation(
            field=f"{place}.id",
            rule="already_imported",
            message=f"{excerpt(experiment.id)} of {excerpt(experiment.origin)} was imported before.",
            how="If that was wrong, say in `corrects` why: both stay, and the latest counts.",
        )
    if not there and experiment.corrects is not None:
        yield Violation(
            field=f"{place}.corrects",
            rule="nothing_to_correct",
            message=f"Nothing of {excerpt(experiment.id)} was imported before.",
            how="Leave `corrects` out.",
        )


def _spellings(sent: PastExperiments, known: Known) -> Iterator[Violation]:
    """Two spellings would count as two mechanisms, which is what a verdict asks for."""
    spelt = dict(known.spelt)
    for at, experiment in enumerate(sent.experiments):
        for k, arm in enumerate(experiment.arms):
            if arm.mechanism is None:
                continue
            key = (hypothesis_of(sent, experiment) or "", folded(arm.mechanism))
            before = spelt.setdefault(key, arm.mechanism)
            if before != arm.mechanism:
                yield Violation(
                    field=f"experiments.{at}.arms.{k}.mechanism",
                    rule="mechanism_spelt_twice",
                    message=f"{excerpt(arm.mechanism)} and {excerpt(before)} would count as two mechanisms.",
                    how="Spell one mechanism in one way.",
                )


def folded(mechanism: str) -> str:
    """What two spellings of one name have in common."""
    return " ".join(mechanism.casefold().split())


def place_of(row: ImportedExperiment) -> tuple[str, str, str]:
    """By what an imported experiment is the same one again."""
    return row.hypothesis_id, row.origin, row.key
