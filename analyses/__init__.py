"""Estimators: numbers in, frozen results out. No I/O, no clock, no settings.

This is the only door: names are loaded when first used, so that a process which only names a result does not
pay for scipy. ``EXPORTS`` is the whole public surface.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyses.moments import ArmMeans as ArmMeans
    from analyses.moments import Measure as Measure
    from analyses.moments import Moments as Moments
    from analyses.moments import arm_means as arm_means
    from analyses.moments import moments_of as moments_of
    from analyses.moments import refusal as refusal
    from analyses.moments import stratified as stratified
    from analyses.results import Check as Check
    from analyses.results import Estimate as Estimate
    from analyses.results import Interval as Interval
    from analyses.results import NotEstimable as NotEstimable
    from analyses.results import Provenance as Provenance

EXPORTS = {
    "ArmMeans": "analyses.moments",
    "Check": "analyses.results",
    "Estimate": "analyses.results",
    "Interval": "analyses.results",
    "Measure": "analyses.moments",
    "Moments": "analyses.moments",
    "NotEstimable": "analyses.results",
    "Provenance": "analyses.results",
    "arm_means": "analyses.moments",
    "moments_of": "analyses.moments",
    "refusal": "analyses.moments",
    "stratified": "analyses.moments",
}


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module 'analyses' has no attribute {name!r}")
    return getattr(import_module(EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(EXPORTS)
