"""What does a file of one row per arm and its effects say, where units cannot be had?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from analyses import (
    Check,
    ContrastArm,
    ExperimentContrasts,
    NotEstimable,
    Reading,
    View,
    first_stage_of,
    normal,
)
from service.cli.onefile.answer import Answer, ArmUnits, Effect, judged
from service.cli.onefile.plan import Hypothesis, UsageProblem
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.read import Floats, batches, require
from service.cli.onefile.study import alarm

TEXTS = ("experiment", "arm", "mechanism")
NUMBERS = ("cpi_effect", "kpi_effect", "var_cpi", "cov", "var_kpi")
CONTROL = ("control_var_cpi", "control_cov", "control_var_kpi")
METRICS = ("cpi", "kpi")
SLACK = 1e-9  # share of a variance that rounding in the file may be off


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One arm: its effects (2,) and their covariance (2, 2), and the control's share of that, if given."""

    place: str
    experiment: str
    arm: str
    mechanism: str | None
    effects: Floats
    covariance: Floats
    control: Floats | None


def analyse_contrasts(path: Path, hypothesis: Hypothesis) -> Answer:
    """Read, check every row, and answer."""
    rows = _rows(path)
    arms = {row.arm for row in rows}
    for placebo in hypothesis.placebos:
        if placebo not in arms:
            raise UsageProblem(f"--placebo names the arm {placebo!r}; the arms are {', '.join(sorted(arms))}")
    names = sorted({row.experiment for row in rows})
    experiments = [_experiment([r for r in rows if r.experiment == name], hypothesis) for name in names]
    effects = [effect for e in experiments for effect in _effects(e, hypothesis.alpha)]
    return Answer(
        arms=tuple(ArmUnits(experiment=r.experiment, arm=r.arm, n=None) for r in rows),
        checks=tuple(_checks(experiments, effects, hypothesis)),
        effects=tuple(effects),
        judgement=judged(hypothesis.rule, experiments),
        bound=hypothesis.direct_effect_bound,
        alpha=hypothesis.alpha,
        plan={"contrasts": path.name, **hypothesis.told()},
    )


def _rows(path: Path) -> list[Row]:
    found = require(path, [*TEXTS, *NUMBERS], CONTROL)
    controls = [name for name in CONTROL if name in found]
    if controls and len(controls) < len(CONTROL):
        raise FileProblem(
            f"{path.name} has {', '.join(controls)}, expected all of {', '.join(CONTROL)} or none"
        )
    rows: list[Row] = []
    for batch in batches(path, TEXTS, [*NUMBERS, *controls]):
        texts = {
            name: [None if code < 0 else values[code] for code in codes]
            for name, (codes, values) in batch.texts.items()
        }
        for at in range(len(texts["arm"])):
            words = {name: column[at] for name, column in texts.items()}
            numbers = {name: float(column[at]) for name, column in batch.numbers.items()}
            rows.append(_row(batch.first_row + at, words, numbers))
    if not rows:
        raise FileProblem(f"{path.name} has a header and no rows: expected one row per arm")
    _see_to_keys(rows)
    return rows


def _row(number: int, words: dict[str, str | None], numbers: dict[str, float]) -> Row:
    experiment, arm = words["experiment"], words["arm"]
    place = f"row {number} (experiment {experiment or '?'}, arm {arm or '?'})"
    if experiment is None or arm is None:
        raise FileProblem(f"{place}: expected an experiment and an arm in every row")
    missing = [name for name in NUMBERS if np.isnan(numbers[name])]
    given = [name for name in CONTROL if not np.isnan(numbers.get(name, np.nan))]
    if missing or 0 < len(given) < len(CONTROL):
        missing = missing or [name for name in CONTROL if name not in given]
        raise FileProblem(f"{place}: {', '.join(missing)} is missing")
    covariance = _block(numbers, "var_cpi", "cov", "var_kpi", place)
    control = _block(numbers, *CONTROL, place) if given else None
    if control is not None and not _is_covariance(covariance - control, covariance):
        raise FileProblem(
            f"{place}: the control's share of the variance exceeds the whole; var_cpi, cov and var_kpi are "
            "of arm minus control, so they hold the control's"
        )
    return Row(
        place=place,
        experiment=experiment,
        arm=arm,
        mechanism=words["mechanism"],
        effects=np.array([numbers["cpi_effect"], numbers["kpi_effect"]]),
        covariance=covariance,
        control=control,
    )


def _block(numbers: dict[str, float], cpi: str, both: str, kpi: str, place: str) -> Floats:
    """A covariance matrix of CPI and KPI, refused if it is none; only a control may be constant."""
    block = np.array([[numbers[cpi], numbers[both]], [numbers[both], numbers[kpi]]])
    constant = {name for name in CONTROL if numbers.get(name) == 0}
    for name in (cpi, kpi):
        if numbers[name] <= 0 and name not in constant:
            raise FileProblem(f"{place}: {name} is {numbers[name]:g}, expected a variance above 0")
    most = sqrt(numbers[cpi]) * sqrt(numbers[kpi])
    if abs(numbers[both]) > most * (1 + SLACK):
        raise FileProblem(
            f"{place}: {both} is {numbers[both]:g}, expected at most {most:g} in size, "
            f"the root of {cpi} × {kpi}"
        )
    return block


def _is_covariance(block: Floats, whole: Floats) -> bool:
    scale = np.sqrt(np.diag(whole))
    return bool(np.linalg.eigvalsh(block / np.outer(scale, scale)).min() >= -SLACK)


def _see_to_keys(rows: Sequence[Row]) -> None:
    """Each arm once; arms that share a control must say how uncertain that control is, and say it alike."""
    first: dict[str, Row] = {}
    arms: dict[tuple[str, str], Row] = {}
    for row in rows:
        twin = arms.setdefault((row.experiment, row.arm), row)
        if twin is not row:
            raise FileProblem(f"{row.place}: the same arm stands in {twin.place}")
        other = first.setdefault(row.experiment, row)
        if other is row:
            continue
        if row.control is None or other.control is None:
            raise FileProblem(
                f"{row.place}: experiment {row.experiment} has another arm, and arms share their control, so "
                f"their errors go together; give {', '.join(CONTROL)} (the control's part of the variances)"
            )
        if not np.allclose(row.control, other.control, rtol=1e-6, atol=0.0):
            raise FileProblem(f"{row.place}: its control variances differ from those in {other.place}")


def _experiment(rows: Sequence[Row], hypothesis: Hypothesis) -> ExperimentContrasts:
    """Arms of one experiment; they covary by their control's covariance."""
    size = len(rows)
    covariance = np.zeros((size, 2, size, 2))
    for k, row in enumerate(rows):
        if row.control is not None:
            covariance[k] += row.control[:, None, :]
        covariance[k, :, k, :] = row.covariance
    return ExperimentContrasts(
        experiment=rows[0].experiment,
        metrics=METRICS,
        arms=tuple(
            ContrastArm(name=row.arm, mechanism=row.mechanism, placebo=row.arm in hypothesis.placebos)
            for row in rows
        ),
        effects=np.array([row.effects for row in rows]),
        covariance=covariance,
    )


def _effects(experiment: ExperimentContrasts, alpha: float) -> list[Effect]:
    """The effects of the file with normal intervals: its variances are taken as known."""
    no_mean = NotEstimable(reason="no_control_mean", detail="a file of contrasts gives no means to relate to")
    return [
        Effect(
            experiment=experiment.experiment,
            reading=Reading(
                metric=metric,
                arm=arm.name,
                raw=View(
                    absolute=normal(
                        float(experiment.effects[k, at]),
                        sqrt(float(experiment.covariance[k, at, k, at])),
                        alpha,
                    ),
                    relative=no_mean,
                    fieller=no_mean,
                ),
            ),
        )
        for at, metric in enumerate(METRICS)
        for k, arm in enumerate(experiment.arms)
    ]


def _checks(
    experiments: Sequence[ExperimentContrasts], effects: Sequence[Effect], hypothesis: Hypothesis
) -> list[Check]:
    """What can be asked of contrasts; arms' sizes cannot."""
    no_units = "a file of contrasts has no units to count"
    checks = [Check(name="srm", passed=None, detail=no_units)]
    checks.append(Check(name="multiple_exposure", passed=None, detail=no_units))
    for e in experiments:
        own = [effect for effect in effects if effect.experiment == e.experiment]
        for check in (first_stage_of("cpi", e, alpha=hypothesis.alpha), alarm(own, "cpi", "kpi", hypothesis)):
            where = f"{e.experiment}: " if len(experiments) > 1 else ""
            checks.append(
                Check(name=check.name, passed=check.passed, detail=where + check.detail, gates=check.gates)
            )
    return checks
