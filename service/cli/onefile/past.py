"""What does a file of units say of a past experiment, in the words in which past experiments are imported?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyses import Check, ExperimentContrasts, Json, NotEstimable
from service.cli.onefile.analysis import see_to_arms
from service.cli.onefile.plan import Columns, Hypothesis
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.study import study
from service.cli.onefile.units import UnitExperiment, read_units


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What no file of units says: which hypothesis the experiment speaks on, and where it comes from."""

    hypothesis: str
    origin: str
    name: str | None = None
    started_on: str | None = None
    ended_on: str | None = None
    notes: str | None = None
    corrects: str | None = None

    @property
    def told(self) -> dict[str, Json]:
        """What is the same for every experiment of the file."""
        given: dict[str, Json] = {
            "origin": self.origin,
            "started_on": self.started_on,
            "ended_on": self.ended_on,
            "notes": self.notes,
            "corrects": self.corrects,
        }
        return {name: value for name, value in given.items() if value is not None}


def past_experiments(
    path: Path, columns: Columns, placebos: Sequence[str], about: About, units_per_day: float | None
) -> dict[str, Json]:
    """The document that `POST /v1/evidence:import` takes: contrasts alone, no unit leaves this machine."""
    file = read_units(path, columns)
    flags = Hypothesis(placebos=tuple(placebos))
    see_to_arms(file, columns, flags)
    experiments: list[Json] = [_experiment(one, columns, flags, about) for one in file.experiments]
    document: dict[str, Json] = {"hypothesis": about.hypothesis, "experiments": experiments}
    return document if units_per_day is None else {**document, "units_per_day": units_per_day}


def _experiment(
    experiment: UnitExperiment, columns: Columns, flags: Hypothesis, about: About
) -> dict[str, Json]:
    """Its contrasts, adjusted where the flags name covariates, and what makes them doubtful."""
    found = study(experiment, columns, flags)
    # what comes with clusters is no ratio of units: the file's own, of clusters, is the one to doubt by
    shares = {} if experiment.clustered else columns.shares
    asked_there = () if experiment.clustered else ("srm",)
    if isinstance(found.contrasts, NotEstimable):
        raise FileProblem(f"{experiment.name}: {found.contrasts.detail}")
    return {
        "form": "variances",
        "id": experiment.name,
        "name": about.name or experiment.name,
        **about.told,
        "control": control_told(found.contrasts, experiment.control, shares),
        "arms": [treatment_told(k, found.contrasts, shares) for k in range(len(found.contrasts.arms))],
        "doubts": doubts_told(check for check in found.checks if check.name not in asked_there),
    }


def doubts_told(checks: Iterable[Check]) -> list[Json]:
    """What failed, as a verdict would be blocked by it."""
    return [
        {"check": check.name, "detail": check.detail}
        for check in checks
        if check.gates and check.passed is False
    ]


def control_told(contrasts: ExperimentContrasts, name: str, shares: Mapping[str, float]) -> dict[str, Json]:
    """Its own part of the errors is what two arms have in common."""
    told: dict[str, Json] = {"units": contrasts.control_units, **_weight(shares, name)}
    if len(contrasts.arms) < 2:
        return told
    shared = contrasts.covariance[0, :2, 1, :2]
    return {
        **told,
        "var_cpi": float(shared[0, 0]),
        "cov": float(shared[0, 1]),
        "var_kpi": float(shared[1, 1]),
    }


def treatment_told(k: int, contrasts: ExperimentContrasts, shares: Mapping[str, float]) -> dict[str, Json]:
    """One arm's effects with their errors, the control's part included."""
    arm, own = contrasts.arms[k], contrasts.covariance[k, :2, k, :2]
    mechanism: dict[str, Json] = {} if arm.mechanism is None else {"mechanism": arm.mechanism}
    return {
        "name": arm.name,
        **mechanism,
        "placebo": arm.placebo,
        "units": (contrasts.arm_units or ())[k],
        **_weight(shares, arm.name),
        "cpi_effect": float(contrasts.effects[k, 0]),
        "kpi_effect": float(contrasts.effects[k, 1]),
        "var_cpi": float(own[0, 0]),
        "cov": float(own[0, 1]),
        "var_kpi": float(own[1, 1]),
    }


def _weight(shares: Mapping[str, float], arm: str) -> dict[str, Json]:
    return {"weight": shares[arm]} if shares.get(arm) else {}
