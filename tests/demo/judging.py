"""How would the rule judge a simulated story? The same numbers as the service's, without the service."""

import numpy as np

from analyses import (
    ContrastArm,
    ExperimentContrasts,
    Measure,
    Rule,
    Verdict,
    arm_means,
    contrasts_of,
    judge,
    moments_of,
)
from service.cli.demo.simulated import Simulation


def contrasts(simulation: Simulation, place: int, seed: int) -> ExperimentContrasts:
    """CPI and KPI of one experiment, then the other CPIs as rivals."""
    population, trial = simulation.population(place, seed), simulation.trials[place]
    cpis = tuple(cpi.event for cpi in simulation.world.cpis)
    rows = np.column_stack([population.cpis, population.kpi])
    columns = (*cpis, "kpi")
    measures = [Measure(name=name, value=name) for name in (cpis[0], "kpi", *cpis[1:])]
    means = [
        arm_means(moments_of(columns, rows[population.arm == arm]), measures)
        for arm in range(len(trial.arm_names))
    ]
    arms = [
        ContrastArm(
            name=arm.name,
            mechanism=arm.mechanism.name if arm.mechanism else None,
            placebo=arm.placebo is not None,
        )
        for arm in trial.arms
    ]
    return contrasts_of(trial.name, means[0], list(zip(arms, means[1:], strict=True)))


def verdict(simulation: Simulation, rule: Rule, seed: int) -> Verdict:
    found = [contrasts(simulation, place, seed) for place in range(len(simulation.trials))]
    return judge(rule, found).verdict
