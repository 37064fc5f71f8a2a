"""Groups seen over periods: what a design that compares before with after starts from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """M outcomes of G groups in T periods, and the period in which each group's change came.

    ``values`` (M, G, T) are averages over a group's units in a period, in raw units; ``adopted`` (G,) is the
    index of the first period under the change, or None for a group that never had it; ``sizes`` (G,) weighs
    groups, all alike if None.
    """

    outcomes: tuple[str, ...]
    groups: tuple[str, ...]
    periods: tuple[str, ...]
    values: Floats
    adopted: tuple[int | None, ...]
    sizes: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.outcomes), len(self.groups), len(self.periods))
        if self.values.shape != shape:
            raise ValueError(f"expected values of shape {shape}, got {self.values.shape}")
        if len(self.adopted) != len(self.groups) or (self.sizes and len(self.sizes) != len(self.groups)):
            raise ValueError("expected one period of adoption, and one size, for each group")

    @property
    def weights(self) -> Floats:
        """What each group counts (G,)."""
        return np.ones(len(self.groups)) if self.sizes is None else np.array(self.sizes, dtype=float)

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """The first period under the change (G,); T for never."""
        last = len(self.periods)
        return np.array([last if at is None else min(at, last) for at in self.adopted])

    def refusal(self) -> NotEstimable | None:
        """Why no design can read it: a hole, or a group that weighs nothing."""
        holes = np.argwhere(~np.isfinite(self.values))
        if len(holes):
            m, g, t = holes[0]
            where = f"{self.outcomes[m]} of {self.groups[g]} in {self.periods[t]}"
            return NotEstimable(reason="missing_cell", detail=f"every group needs a value: {where} has none")
        if (self.weights <= 0).any():
            return NotEstimable(reason="empty_group", detail="a group's size must be above zero")
        return None
