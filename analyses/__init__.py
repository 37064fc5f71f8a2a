"""Estimators: numbers in, frozen results out. No I/O, no clock, no settings.

This is the only door: names are loaded when first used, so that a process which only names a result does not
pay for scipy. ``EXPORTS`` is the whole public surface.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyses.effects.adjust import adjust as adjust
    from analyses.effects.difference import Difference as Difference
    from analyses.effects.difference import difference as difference
    from analyses.effects.difference import normal as normal
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
    from analyses.validity.alarm import Moved as Moved
    from analyses.validity.alarm import kpi_up_cpi_down as kpi_up_cpi_down
    from analyses.validity.exposure import Observed as Observed
    from analyses.validity.exposure import multiple_exposure as multiple_exposure
    from analyses.validity.exposure import observed_share as observed_share
    from analyses.validity.exposure import recording_changed as recording_changed
    from analyses.validity.first_stage import first_stage as first_stage
    from analyses.validity.srm import Allocation as Allocation
    from analyses.validity.srm import srm as srm

EXPORTS = {
    "Allocation": "analyses.validity.srm",
    "ArmMeans": "analyses.moments",
    "Check": "analyses.results",
    "Difference": "analyses.effects.difference",
    "Estimate": "analyses.results",
    "Interval": "analyses.results",
    "Measure": "analyses.moments",
    "Moments": "analyses.moments",
    "Moved": "analyses.validity.alarm",
    "NotEstimable": "analyses.results",
    "Observed": "analyses.validity.exposure",
    "Provenance": "analyses.results",
    "adjust": "analyses.effects.adjust",
    "arm_means": "analyses.moments",
    "difference": "analyses.effects.difference",
    "first_stage": "analyses.validity.first_stage",
    "kpi_up_cpi_down": "analyses.validity.alarm",
    "moments_of": "analyses.moments",
    "multiple_exposure": "analyses.validity.exposure",
    "normal": "analyses.effects.difference",
    "observed_share": "analyses.validity.exposure",
    "recording_changed": "analyses.validity.exposure",
    "refusal": "analyses.moments",
    "srm": "analyses.validity.srm",
    "stratified": "analyses.moments",
}


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module 'analyses' has no attribute {name!r}")
    return getattr(import_module(EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(EXPORTS)
