"""Randomised studies: arms, hypotheses under test, the frozen plan, and the states it passes through."""
