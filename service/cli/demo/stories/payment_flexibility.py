"""What does too small look like? Perhaps a lever, and too few customers to tell."""

from service.cli.demo.drafts import euros, mean, share
from service.cli.demo.simulated import Simulation
from service.cli.demo.simulation import Draw, TrueCpi, World
from service.cli.demo.story import Arm, Mechanism, Story, Trial

WORLD = World(
    cpis=(TrueCpi(event="payment_options_shown", draw=Draw.OFFER, usual=2.0, slope=0.02),),
    kpi_event="contract_signed",
    usual=0.3,
    trait=0.05,
)
_MONTHLY = Mechanism(name="Monthly instalments", description="Pay by the month at no charge")
_DATES = Mechanism(name="Own dates", description="Choose the days on which to pay")
TRIALS = (
    Trial(
        name="More ways to pay, pilot",
        arms=(
            Arm(name="instalments", mechanism=_MONTHLY, dose=1.0, truth=(1.0,)),
            Arm(name="own dates", mechanism=_DATES, dose=2.0, truth=(2.0,)),
        ),
        planned_units=450,
        dose_unit="payment option",
    ),
)
SIMULATION = Simulation(world=WORLD, trials=TRIALS, salt=4)

STORY = Story(
    title="Payment flexibility: too small to say",
    simulated=True,
    intro="A pilot with 450 business customers. Known truth: each option more makes 2 more of a hundred "
    "sign, just what it costs; so few customers cannot show it.",
    cpi={
        "kind": "cpi",
        "template": "payment-flexibility",
        "name": "Payment flexibility",
        "unit_type": "business customer",
        "function": "finance",
        "outcome": "I can pay when and how it suits my business",
        "increment": {"amount": 1, "unit": "payment option", "better": "higher"},
        "value_kind": "options",
        "cost_of_one_increment": euros(30),
        "definition": mean("payment_options_shown", "amount"),
    },
    kpi={
        "kind": "kpi",
        "name": "Contract signed",
        "unit_type": "business customer",
        "function": "sales",
        "value_of_one_unit": euros(1500),
        "definition": share("contract_signed"),
    },
    hypothesis={
        "direction": "increase",
        "direct_effect_bound": "unknown",
        "rationale": "A premium that fits the cash flow is one reason less to wait",
    },
    trials=TRIALS,
    facts=SIMULATION.facts,
    moral="No result is no rejection: the answer says how many customers would decide it.",
)
