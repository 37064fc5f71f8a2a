"""Which story ends confirmed? A real lever: a minute less makes 1.5 more shoppers of a hundred buy."""

from service.cli.demo.drafts import euros, mean, share, watched
from service.cli.demo.simulated import Simulation
from service.cli.demo.simulation import Draw, TrueCpi, World
from service.cli.demo.story import Arm, Mechanism, Story, Trial

WORLD = World(
    cpis=(TrueCpi(event="quote_shown", draw=Draw.WAIT, usual=6.0, trait=0.2, slope=-0.015),),
    kpi_event="policy_bought",
    usual=0.24,
    trait=0.05,
)
_PREFILL = Mechanism(name="Prefilled answers", description="The number plate fills in what it can tell")
_ENGINE = Mechanism(name="Faster rating engine", description="The price is computed while the form is filled")
_SAME_PAGE = "The same new page with its extra request, and none of the prefilled answers"
TRIALS = (
    Trial(
        name="Prefilled answers, two doses",
        arms=(
            Arm(name="four answers", mechanism=_PREFILL, dose=1.0, truth=(-1.0,)),
            Arm(name="ten answers", mechanism=_PREFILL, dose=2.5, truth=(-2.5,)),
        ),
        planned_units=15_000,
        dose_unit="minute",
    ),
    Trial(
        name="Prefilled answers against a placebo",
        arms=(
            Arm(name="new page only", mechanism=_PREFILL, placebo=_SAME_PAGE, truth=(0.0,)),
            Arm(name="ten answers", mechanism=_PREFILL, dose=2.5, truth=(-2.5,)),
        ),
        planned_units=15_000,
        dose_unit="minute",
    ),
    Trial(
        name="Faster rating engine, two doses",
        arms=(
            Arm(name="cached rates", mechanism=_ENGINE, dose=1.0, truth=(-1.0,)),
            Arm(name="streamed rates", mechanism=_ENGINE, dose=2.5, truth=(-2.5,)),
        ),
        planned_units=15_000,
        dose_unit="minute",
    ),
)
SIMULATION = Simulation(world=WORLD, trials=TRIALS, salt=1)

STORY = Story(
    title="Quick quote: a lever that is proven",
    simulated=True,
    intro="Shoppers say that they want the price before they have to move on. Does a quicker quote sell more "
    "policies? Known truth: one minute less makes 1.5 more of a hundred buy.",
    cpi={
        "kind": "cpi",
        "template": "quick-quote",
        "name": "Quick quote",
        "unit_type": "shopper",
        "description": "Minutes from asking for a quote to seeing one",
        "function": "marketing",
        "outcome": "I know what the insurance costs before I have to move on",
        "increment": {"amount": 1, "unit": "minute", "better": "lower"},
        "value_kind": "time",
        "expectations": [{"segment": "consumers", "level": 0.5}, {"segment": "fleet owners", "level": 1440}],
        "cost_of_one_increment": euros(1.5),
        "definition": mean("quote_shown", "duration"),
    },
    kpi={
        "kind": "kpi",
        "name": "Policy bought",
        "unit_type": "shopper",
        "function": "sales",
        "value_of_one_unit": euros(200),
        "definition": share("policy_bought"),
    },
    inquiry=watched(
        place="Car dealers' waiting rooms, Leeds",
        researcher="Grace Okafor",
        journey_point="Comparing insurers for a car just bought",
        summary="Nine of twelve gave up comparing insurers when a quote took over a minute",
        customers=12,
    ),
    hypothesis={
        "direction": "increase",
        "direct_effect_bound": "unknown",
        "rationale": "Who gets a quote at once compares less and buys sooner",
    },
    trials=TRIALS,
    facts=SIMULATION.facts,
    moral="Two mechanisms, different doses and a placebo agree: it is the minutes, not the redesign.",
)
