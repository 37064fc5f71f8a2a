"""Estimators: numbers in, frozen results out. No I/O, no clock, no settings.

This is the only door, and ``__init__.pyi`` lists the whole public surface. Names are loaded when first used,
so that a process which only names a result does not pay for scipy.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
