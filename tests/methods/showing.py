"""How do worked examples print their numbers? The same on every machine."""

import numpy as np


def digits(value: object) -> object:
    """Four significant digits, whatever it is made of; what is smaller than a millionth is 0."""
    if isinstance(value, float | np.floating) and abs(value) < 1e-6:
        return 0.0
    if isinstance(value, float | np.floating):
        return float(f"{value:.4g}")
    if isinstance(value, tuple | list | np.ndarray):
        return tuple(digits(one) for one in value)
    return value


def show(label: str, *values: object) -> None:
    """One line of an example's output."""
    print(f"{label}:", *(digits(value) for value in values))
