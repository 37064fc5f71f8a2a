"""Which story ends rejected? Loyal customers talk more and renew more; talking itself does nothing."""

from service.cli.demo.drafts import count, euros, share
from service.cli.demo.simulated import Simulation
from service.cli.demo.simulation import Draw, TrueCpi, World, naive
from service.cli.demo.story import Arm, Mechanism, Story, Trial

WORLD = World(
    cpis=(TrueCpi(event="adviser_talk", draw=Draw.TIMES, usual=1.2, trait=0.9),),
    kpi_event="policy_renewed",
    usual=0.74,
    trait=0.18,
)
_CALLS = Mechanism(name="Adviser calls", description="The adviser rings before the renewal date")
_LINK = Mechanism(name="Booking link", description="The app offers a time with the adviser")
TRIALS = (
    Trial(
        name="Adviser calls, with a placebo letter",
        arms=(
            Arm(
                name="letter",
                mechanism=_CALLS,
                placebo="The same reminder of the renewal date, without the talk",
                truth=(0.0,),
            ),
            Arm(name="one call", mechanism=_CALLS, dose=0.6, truth=(0.6,)),
            Arm(name="two calls", mechanism=_CALLS, dose=1.2, truth=(1.2,)),
        ),
        planned_units=24_000,
        dose_unit="talk",
    ),
    Trial(
        name="Booking link in the app",
        arms=(
            Arm(name="link", mechanism=_LINK, dose=0.6, truth=(0.6,)),
            Arm(name="link on top", mechanism=_LINK, dose=1.2, truth=(1.2,)),
        ),
        planned_units=18_000,
        dose_unit="talk",
    ),
)


SIMULATION = Simulation(world=WORLD, trials=TRIALS, salt=2)


def _tempting() -> str:
    seen = naive(SIMULATION.population(0))
    return (
        f"What the dashboard says, with nothing changed: correlation {seen.correlation:+.2f}. Of the quarter "
        f"of customers who talk least {seen.share_low:.0%} renew, of the quarter who talk most "
        f"{seen.share_high:.0%}."
    )


STORY = Story(
    title="Talks with an adviser: a tempting correlation",
    simulated=True,
    intro="Customers who talk with their adviser renew far more often. Known truth: attached customers do "
    "both, and a talk more changes nothing.",
    cpi={
        "kind": "cpi",
        "name": "Talks with my adviser",
        "unit_type": "policyholder",
        "function": "service",
        "outcome": "Somebody who knows my case takes the time to go through it with me",
        "increment": {"amount": 1, "unit": "talk", "better": "higher"},
        "value_kind": "personal_service",
        "evidence": [
            {
                "method": "focus_group",
                "summary": "Two groups of eight liked the idea of more talks",
                "date": "2026-02-03",
                "customers": 16,
            }
        ],
        "cost_of_one_increment": euros(12),
        "definition": count("adviser_talk"),
    },
    kpi={
        "kind": "kpi",
        "name": "Policy renewed",
        "unit_type": "policyholder",
        "function": "service",
        "value_of_one_unit": euros(400),
        "definition": share("policy_renewed"),
    },
    hypothesis={
        "direction": "increase",
        "direct_effect_bound": "unknown",
        "rationale": "Who talks with us stays with us, says every dashboard",
    },
    trials=TRIALS,
    facts=SIMULATION.facts,
    before_verdict=_tempting,
    moral="The correlation was real and worthless: both mechanisms moved the talks, and renewals stayed put.",
)
