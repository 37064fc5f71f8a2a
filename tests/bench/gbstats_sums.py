"""Effects from sums by gbstats, in an environment of its own (Python 3.11: gbstats wants pandas 1).

Reads JSON: a list of [control, treatment], each {n, sum, squares, before, before_squares, products}; writes
for each the effect, its interval, and the seconds that all of them took.
"""

import json
import sys
import time

from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta


def adjusted(control, treatment):
    theta = compute_theta(statistic(control, 0.0), statistic(treatment, 0.0))
    return statistic(control, theta), statistic(treatment, theta)


def statistic(arm, theta):
    return RegressionAdjustedStatistic(
        n=arm["n"],
        post_statistic=SampleMeanStatistic(n=arm["n"], sum=arm["sum"], sum_squares=arm["squares"]),
        pre_statistic=SampleMeanStatistic(n=arm["n"], sum=arm["before"], sum_squares=arm["before_squares"]),
        post_pre_sum_of_products=arm["products"],
        theta=theta,
    )


def main():
    pairs = json.load(sys.stdin)
    started = time.perf_counter()
    found = []
    for control, treatment in pairs:
        result = TwoSidedTTest(
            *adjusted(control, treatment),
            config=FrequentistConfig(difference_type="absolute"),
        ).compute_result()
        found.append({"effect": result.expected, "interval": list(result.ci)})
    json.dump({"effects": found, "seconds": time.perf_counter() - started}, sys.stdout)


if __name__ == "__main__":
    main()
