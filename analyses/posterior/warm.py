"""Importing this compiles the sampler, so that whatever is forked from this process can sample at once.

The smallest bucket alone: larger ones are rarely sampled, and each takes 15 seconds and 100 MB.
"""

import warnings

from analyses.posterior.nuts import ARMS, EXPERIMENTS, Bucket, compiled

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    compiled(Bucket(experiments=EXPERIMENTS[0], arms=ARMS[0]))
