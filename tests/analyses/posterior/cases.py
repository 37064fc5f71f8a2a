"""Evidence that the posterior is asked about."""

import numpy as np

from analyses import ContrastArm, ExperimentContrasts
from tests.analyses.relationship.draws import Design
from tests.analyses.relationship.many import Programme, normal

PAIR = Design(doses=(0, 0.2, 0, 0.2), mechanisms="AABB", placebos=(True, False, True, False), slope=0.2)
TWELVE = Programme(cpi=normal(0.2, 0.15), slopes=normal(0.2, 0.1), experiments=12, doses=(0, 0.5, 1))


def drawn(design, seed=1):
    return design.draw(np.random.default_rng(seed))


def measured(shifts, effects, errors, *, cpi_error=0.01):
    """Experiments of one arm whose CPI effect is known almost exactly."""
    return [
        ExperimentContrasts(
            experiment=f"experiment {j}",
            metrics=("cpi", "kpi"),
            arms=(ContrastArm(name="arm", mechanism="A"),),
            effects=np.array([[shift, effect]]),
            covariance=np.diag([cpi_error**2, error**2]).reshape(1, 2, 1, 2),
        )
        for j, (shift, effect, error) in enumerate(zip(shifts, effects, errors, strict=True))
    ]
