"""How does a story without real customers get its facts? From its world, its plan and a seed."""

from dataclasses import dataclass
from datetime import datetime

from service.cli.demo.facts import facts_of
from service.cli.demo.simulation import Population, World, simulate
from service.cli.demo.story import Facts, Trial

SEED = 2020  # one at which the gates stay silent; on all seeds they stop about one story in ten (tests/demo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What really happens in a story's experiments. ``salt`` makes each story's customers its own."""

    world: World
    trials: tuple[Trial, ...]
    salt: int

    def population(self, place: int, seed: int = SEED) -> Population:
        """Everybody in one experiment, in arms of equal size."""
        trial = self.trials[place]
        shifts = [(0.0,) * len(self.world.cpis), *(arm.truth for arm in trial.arms)]
        return simulate(self.world, shifts, trial.planned_units // len(shifts), (seed, self.salt, place))

    def facts(self, place: int, experiment: str, start: datetime) -> Facts:
        arms = self.trials[place].arm_names
        return facts_of(self.world, arms, self.population(place), experiment, start)
