"""Is the sum of the winners freed of their luck, and does the prior agree with the one that scipy finds?"""

import numpy as np
import pytest

from analyses import Measured, Normal, NotEstimable, ProgramGains, normal, past_prior, program_gains, won


def drawn(
    seed: int, n: int, *, mean: float = 0.0, deviation: float = 0.3
) -> tuple[list[float], list[Measured]]:
    draw = np.random.default_rng(seed)
    true = draw.normal(mean, deviation, n)
    errors = draw.uniform(0.1, 0.4, n)
    values = true + errors * draw.normal(size=n)
    return list(true), [
        Measured(value=float(v), std_error=float(s)) for v, s in zip(values, errors, strict=True)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_the_prior_is_that_of_past_experiments(seed: int) -> None:
    """By scipy's minimiser: the restricted likelihood of N(m, error^2 + t^2), times t."""
    from scipy.optimize import minimize_scalar

    _, measured = drawn(seed, 6 + seed)
    values, errors = np.array([e.value for e in measured]), np.array([e.std_error for e in measured])

    def weighed(log_t: float) -> tuple[np.ndarray, float]:
        w = 1 / (errors**2 + np.exp(2 * log_t))
        return w, float(w @ values / w.sum())

    def unlikely(log_t: float) -> float:
        w, m = weighed(log_t)
        return float(w @ (values - m) ** 2 - np.log(w).sum() + np.log(w.sum())) / 2 - log_t

    found = minimize_scalar(unlikely, bounds=(-14, 3), method="bounded", options={"xatol": 1e-10})
    w, mean = weighed(found.x)
    ours = past_prior([normal(one.value, one.std_error, 0.05) for one in measured])
    assert isinstance(ours, Normal)
    assert ours.mean == pytest.approx(mean, abs=1e-7)
    assert ours.deviation == pytest.approx(np.sqrt(np.exp(2 * found.x) + 1 / w.sum()), abs=1e-6)
    program = program_gains(measured, measured, better=1)
    assert isinstance(program, ProgramGains)
    assert program.prior == ours


def test_the_winners_curse_is_taken_off_and_the_interval_holds_the_truth() -> None:
    """400 programs of 40 experiments: the plain sum of the winners is too high, the shrunk one is not."""
    true_sums, plain, shrunk, held = 0.0, 0.0, 0.0, 0
    for seed in range(400):
        true, measured = drawn(seed, 40)
        found = program_gains(measured, measured, better=1)
        assert isinstance(found, ProgramGains)
        truth = sum(t for t, one in zip(true, measured, strict=True) if won(one, 1))
        true_sums += truth
        plain += found.as_measured
        shrunk += found.shrunk
        held += abs(found.shrunk - truth) < 1.96 * found.std_error
    assert plain / true_sums > 1.15
    assert shrunk / true_sums == pytest.approx(1.0, abs=0.06)  # the prior leans to the wide side
    assert held / 400 > 0.9  # the prior is estimated too, which the interval does not count


def test_a_fall_that_was_hoped_for_is_a_win() -> None:
    _, measured = drawn(3, 12)
    mirrored = [Measured(value=-one.value, std_error=one.std_error) for one in measured]
    up, down = program_gains(measured, measured, better=1), program_gains(mirrored, mirrored, better=-1)
    assert isinstance(up, ProgramGains)
    assert isinstance(down, ProgramGains)
    assert (up.wins, up.shrunk) == (down.wins, pytest.approx(-down.shrunk, abs=1e-9))


def test_few_experiments_say_that_they_are_few() -> None:
    _, measured = drawn(1, 4)
    found = program_gains(measured, measured, better=1)
    assert isinstance(found, NotEstimable)
    assert found.reason == "too_few_experiments"


def test_without_winners_nothing_was_gained() -> None:
    flat = [Measured(value=0.0, std_error=1.0)] * 6
    found = program_gains(flat, flat, better=1)
    assert isinstance(found, ProgramGains)
    assert (found.wins, found.as_measured, found.shrunk, found.std_error) == (0, 0, 0, 0)


def test_an_effect_without_an_error_is_refused() -> None:
    with pytest.raises(ValueError, match="standard error above 0"):
        Measured(value=1.0, std_error=0.0)
