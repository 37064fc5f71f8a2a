"""Mechanisms, and hypotheses that are frozen when they are registered."""
