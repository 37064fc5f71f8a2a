"""What does the sampler refuse? That both methods agree is asked where it is compiled: tests/runs."""

from dataclasses import replace

import numpy as np
import pytest

from analyses import NotEstimable, Rule, SlopePrior, audited_posterior
from analyses.posterior import importance, nuts
from analyses.posterior.blocks import evidence_of
from analyses.posterior.nuts import NAMES, Bucket, bucket_of, judged
from tests.analyses.posterior.cases import PAIR, drawn
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, normal

RULE = Rule(smallest_slope=D)


def chains(**changed):
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=(4, 1000)) for name in NAMES} | changed


def test_good_chains_are_given_with_their_diagnostics():
    found = judged(chains(), 0)
    assert found.theta.shape == (4000, 6)
    assert found.r_hat < 1.01
    assert min(found.ess, found.tail_ess) > 1000


@pytest.mark.parametrize(
    ("changed", "divergent", "told"),
    [
        ({"beta": np.arange(4.0)[:, None] + np.zeros((4, 1000))}, 0, "R-hat"),
        ({"beta": np.random.default_rng(2).normal(size=(4, 1000)).cumsum(axis=1)}, 0, "effective draws"),
        ({}, 5, "5 of 4000 draws diverged"),
        ({"tau_b": np.full((4, 1000), np.nan)}, 0, "R-hat"),
    ],
)
def test_bad_diagnostics_are_a_reason_and_never_a_number(changed, divergent, told):
    found = judged(chains(**changed), divergent)
    assert isinstance(found, NotEstimable)
    assert found.reason == "sampler_diagnostics"
    assert told in found.detail


@pytest.mark.parametrize(("count", "arms", "room"), [(1, 1, (16, 4)), (17, 3, (64, 4)), (65, 5, (320, 16))])
def test_evidence_takes_the_smallest_room_that_it_fits(count, arms, room):
    design = Programme(cpi=normal(0.2, 0.1), experiments=count, doses=(1.0,) * arms)
    found = bucket_of(evidence_of(RULE, drawn(design), SlopePrior()))
    assert found == Bucket(experiments=room[0], arms=room[1])


def test_what_the_sampler_warns_of_is_a_check_and_not_printed(monkeypatch):
    """Sampling is too dear here: the draws are the other method's."""
    evidence = evidence_of(RULE, drawn(PAIR), SlopePrior())
    draws = importance.sampled(evidence, 1)
    monkeypatch.setattr(nuts, "sampled", lambda *_: replace(draws, said=("chain 2 stood still",)))
    found = audited_posterior(RULE, drawn(PAIR), seed=1)
    (told,) = [one for one in found.checks if one.name == "library_warning"]
    assert (told.passed, told.gates, told.detail) == (False, False, "PyMC: chain 2 stood still")


def test_more_than_the_largest_room_holds_is_refused():
    design = Design(doses=np.linspace(0.1, 0.5, 17), mechanisms="AB" * 9, slope=0.2)
    found = audited_posterior(RULE, drawn(design), seed=1)
    assert (found.reason, found.detail[:12]) == ("too_large_to_sample", "at most 320 ")


@pytest.mark.parametrize(("passes_at", "asked"), [(0.95, 1), (0.995, 2), (1.0, 2)])
def test_smaller_steps_are_asked_only_where_the_gates_did_not_pass(monkeypatch, passes_at, asked):
    good, seen = judged(chains(), 0), []

    def tried(_bucket, _data, _seed, effort):
        seen.append(effort.target_accept)
        return good if effort.target_accept >= passes_at else judged(chains(), 5)

    monkeypatch.setattr(nuts, "_tried", tried)
    found = nuts.sampled(evidence_of(RULE, drawn(PAIR), SlopePrior()), 1)
    assert seen == [0.95, 0.995][:asked]
    assert found is good if passes_at < 1 else found.reason == "sampler_diagnostics"
