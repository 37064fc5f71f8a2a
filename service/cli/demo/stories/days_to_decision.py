"""Whose credit is it? Every arm that decided faster also kept people informed, and that is what counts."""

from service.cli.demo.drafts import count, euros, mean, share, watched
from service.cli.demo.simulated import Simulation
from service.cli.demo.simulation import Draw, TrueCpi, World
from service.cli.demo.story import Arm, Mechanism, Story, Trial

WORLD = World(
    cpis=(
        TrueCpi(event="claim_decided", draw=Draw.WAIT, usual=12.0, trait=0.2),
        TrueCpi(event="claim_update_sent", draw=Draw.TIMES, usual=2.0, slope=0.03),
    ),
    kpi_event="policy_kept",
    usual=0.72,
    trait=0.05,
)
_HANDLER = Mechanism(
    name="One handler", description="One person has the claim from the first call to the end"
)
_DESK = Mechanism(name="Digital claims desk", description="Photos are assessed on the day they arrive")
TRIALS = (
    Trial(
        name="One handler for each claim",
        arms=(
            Arm(
                name="new form",
                mechanism=_HANDLER,
                placebo="The same new claim form, and the usual handling",
                truth=(0.0, 0.0),
            ),
            Arm(name="from damage report", mechanism=_HANDLER, dose=2.0, truth=(-2.0, 1.0)),
            Arm(name="from first call", mechanism=_HANDLER, dose=4.0, truth=(-4.0, 2.0)),
        ),
        planned_units=16_000,
        dose_unit="day",
    ),
    Trial(
        name="Digital claims desk",
        arms=(
            Arm(name="office hours", mechanism=_DESK, dose=2.0, truth=(-2.0, 1.0)),
            Arm(name="day and night", mechanism=_DESK, dose=4.0, truth=(-4.0, 2.0)),
        ),
        planned_units=12_000,
        dose_unit="day",
    ),
)
SIMULATION = Simulation(world=WORLD, trials=TRIALS, salt=3)

STORY = Story(
    title="Days to a decision: which CPI deserves the credit?",
    simulated=True,
    intro="Claims that are decided sooner keep more customers. But every arm that was faster also told "
    "people more often where their claim stood. Known truth: the telling keeps them, the days do nothing.",
    cpi={
        "kind": "cpi",
        "name": "Days to a decision",
        "unit_type": "claimant",
        "function": "operations",
        "outcome": "I know whether the damage is paid for",
        "increment": {"amount": 1, "unit": "day", "better": "lower"},
        "value_kind": "time",
        "evidence": [
            watched(
                place="At the claimants' homes, Turin",
                researcher="Elena Ricci",
                journey_point="Between the damage and the money",
                summary="Each of seven had called to ask where the claim stood",
                customers=7,
            )
        ],
        "cost_of_one_increment": euros(2),
        "definition": mean("claim_decided", "duration"),
    },
    rivals=(
        {
            "kind": "cpi",
            "name": "Told where my claim stands",
            "unit_type": "claimant",
            "function": "service",
            "outcome": "I need not call to learn where my claim stands",
            "increment": {"amount": 1, "unit": "message", "better": "higher"},
            "value_kind": "convenience",
            "evidence": [
                {
                    "method": "logs",
                    "summary": "Four in ten calls during a claim ask for its state",
                    "date": "2026-01-20",
                }
            ],
            "definition": count("claim_update_sent"),
        },
    ),
    kpi={
        "kind": "kpi",
        "name": "Policy kept after a claim",
        "unit_type": "claimant",
        "function": "service",
        "value_of_one_unit": euros(400),
        "definition": share("policy_kept"),
    },
    hypothesis={
        "direction": "increase",
        "direct_effect_bound": "unknown",
        "rationale": "Waiting for the money is when customers look for another insurer",
    },
    trials=TRIALS,
    facts=SIMULATION.facts,
    moral="Measuring the second CPI saved the company from speeding up what customers did not miss.",
)
