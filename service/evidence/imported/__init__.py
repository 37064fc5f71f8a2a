"""Experiments that were run elsewhere: how they come in, and what they say, apart from verdicts."""
