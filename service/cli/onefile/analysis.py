"""From a file of one row per unit to its answer: are the flags about its arms, and what do they show?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analyses import Check, ExperimentContrasts, NotEstimable, multiple_exposure
from service.cli.onefile.answer import Answer, ArmUnits, judged
from service.cli.onefile.plan import Columns, Hypothesis, UsageProblem
from service.cli.onefile.study import Studied, study
from service.cli.onefile.units import UnitFile, read_units


def analyse_units(path: Path, columns: Columns, hypothesis: Hypothesis) -> Answer:
    """Read, check the flags against the arms that are there, and answer."""
    file = read_units(path, columns)
    see_to_arms(file, columns, hypothesis)
    studied = [study(experiment, columns, hypothesis) for experiment in file.experiments]
    unknown = [] if columns.unit or columns.cluster else [multiple_exposure(None, file.rows)]
    rows = (_unassigned(file), *unknown)
    return Answer(
        arms=tuple(
            ArmUnits(experiment=e.name, arm=arm, n=e.units(arm)) for e in file.experiments for arm in e.arms
        ),
        checks=(*rows, *_told(file, studied)),
        effects=tuple(effect for one in studied for effect in one.effects),
        judgement=judged(hypothesis.rule, _all_or_why(studied)),
        bound=hypothesis.direct_effect_bound,
        alpha=hypothesis.alpha,
        plan={**columns.told(), **hypothesis.told()},
    )


def see_to_arms(file: UnitFile, columns: Columns, hypothesis: Hypothesis) -> None:
    """Flags about arms must name arms of the file, each in one role."""
    there = {arm for experiment in file.experiments for arm in experiment.arms}
    flagged = {
        "--placebo": hypothesis.placebos,
        "--mechanism": columns.mechanisms,
        "--weight": columns.shares,
    }
    for flag, arms in flagged.items():
        for arm in arms:
            if arm not in there:
                raise UsageProblem(f"{flag} names the arm {arm!r}; the arms are {', '.join(sorted(there))}")
            if arm == columns.control and flag != "--weight":
                raise UsageProblem(f"{flag} names the control arm {arm!r}, expected a treatment arm")
    for column in hypothesis.margins:
        if column not in (columns.cpi, columns.kpi):
            raise UsageProblem(f"--margin {column!r}: expected the column of the CPI or of the KPI")
    for column in hypothesis.priors:
        if column not in columns.metrics:
            raise UsageProblem(f"--prior {column!r}: expected a column of the CPI, the KPI or a rival")
    without = sorted(there - set(columns.shares)) if columns.shares else []
    if without:
        raise UsageProblem(f"--weight must cover every arm, control too: none for {', '.join(without)}")


def _unassigned(file: UnitFile) -> Check:
    """Rows that say no arm belong to nobody's mean; whether they are missing by chance cannot be seen."""
    if not file.unassigned:
        return Check(name="unassigned", passed=True, detail="every row names its arm", gates=False)
    share = file.unassigned / file.rows
    detail = (
        f"{file.unassigned:,} of {file.rows:,} rows ({share:.2%}) name no arm or experiment and are left out"
    )
    return Check(name="unassigned", passed=False, detail=detail, gates=False)


def _told(file: UnitFile, studied: Sequence[Studied]) -> list[Check]:
    """Every experiment's checks; its name before the detail where there are several."""
    if len(studied) == 1:
        return list(studied[0].checks)
    return [
        replace(check, detail=f"{experiment.name}: {check.detail}")
        for experiment, one in zip(file.experiments, studied, strict=True)
        for check in one.checks
    ]


def _all_or_why(studied: Sequence[Studied]) -> list[ExperimentContrasts] | NotEstimable:
    """An experiment without contrasts is never left out in silence: it stops the relationship."""
    contrasts = []
    for one in studied:
        if isinstance(one.contrasts, NotEstimable):
            return one.contrasts
        contrasts.append(one.contrasts)
    return contrasts
