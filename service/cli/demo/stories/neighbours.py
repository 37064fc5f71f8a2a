"""Which real study is analysed? Rice farmers, weather insurance, and what their neighbours had decided.

Cai, de Janvry & Sadoulet (2015), "Social Networks and the Decision to Insure", American Economic Journal:
Applied Economics 7(2), 81-108; the data set `social_insure` of the package causaldata. In a first round of
meetings the default of each village's form was drawn by lot: to buy, or not to buy. That moved how many
bought. In the second round other farmers were told how many, and decided for themselves. Drawn by village,
analysed by village: 166 villages, 1,410 farmers, all of them.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec

import numpy as np
import pyarrow as pa

from service.cli.demo.drafts import SHORT_WINDOW, mean
from service.cli.demo.facts import assigned, names, times
from service.cli.demo.story import WINDOW, Arm, Facts, Mechanism, Story, Trial
from service.kit.errors import ServiceError

# Slope and standard error of the authors' instrumental variables, with village effects and covariates: their
# table 6, and Huntington-Klein, The Effect, chapter 19.
PUBLISHED = (0.79, 0.27)
_MEETING = "second_round_meeting"


class MissingData(ServiceError):
    """The data package is an extra of the demo."""

    title = "The demo reads a real study from the package causaldata: pip install 'leverboard[demo]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Farmers:
    """The second round, one entry a farmer: the village by place, the share told, and whether they bought."""

    default_to_buy: tuple[bool, ...]  # by village
    village: tuple[int, ...]
    told_share: tuple[float, ...]
    bought: tuple[bool, ...]


@cache
def farmers() -> Farmers:
    """Every row of the data set; a natural village is the unit that was drawn."""
    if find_spec("causaldata") is None:
        raise MissingData
    from causaldata import social_insure

    rows = social_insure.load_pandas().data
    villages, place = np.unique(rows["address"].to_numpy(dtype=str), return_inverse=True)
    default = np.zeros(len(villages), dtype=bool)
    default[place] = rows["default"].to_numpy() == 1
    return Farmers(
        default_to_buy=tuple(default.tolist()),
        village=tuple(place.tolist()),
        told_share=tuple(rows["pre_takeup_rate"].astype(float).tolist()),
        bought=tuple((rows["takeup_survey"] == 1).tolist()),
    )


def _facts(_: int, experiment: str, start: datetime) -> Facts:
    """One assignment a village, one outcome a farmer."""
    found = farmers()
    villages = len(found.default_to_buy)
    units, exposed = names(experiment, villages), times(start, villages)
    arms = np.where(found.default_to_buy, "default to buy", "default not to buy")
    place = np.array(found.village)
    happened = exposed[place] + np.timedelta64(WINDOW // 2)
    outcomes = {
        "id": np.char.add("farmer-", np.arange(len(place)).astype(str)),
        "unit": units[place],
        "event": [_MEETING] * len(place),
        "time": pa.array(happened).cast(pa.timestamp("us", "UTC")),
        "value": np.array(found.told_share),
        "properties": [f'{{"bought": {str(bought).lower()}}}' for bought in found.bought],
    }
    return Facts(assignments=assigned(units, experiment, arms, exposed), outcomes=pa.table(outcomes))


_TRIAL = Trial(
    name="Cai, de Janvry & Sadoulet: default of the first round",
    control="default not to buy",
    arms=(
        Arm(
            name="default to buy",
            mechanism=Mechanism(
                name="Default to buy",
                description="The form of the first round says yes unless it is crossed out",
            ),
            dose=1.0,
        ),
    ),
    planned_units=166,
    dose_unit="form that says yes",
    dose_kind="setting",
)

STORY = Story(
    title="A real study: what the neighbours decided",
    simulated=False,
    intro="Cai, de Janvry & Sadoulet (2015) offered weather insurance to rice farmers in China and told them "
    "how many of their neighbours had taken it: 166 villages, 1,410 farmers, all of the data set that comes "
    "with the package causaldata. The study is replayed in the order that the rule wants: registered, then "
    "started, then measured.",
    cpi={
        "kind": "cpi",
        "name": "Neighbours who decided for it",
        "unit_type": "village",
        "description": "Share of neighbours known to have bought in the first round",
        "function": "marketing",
        "outcome": "I know what people like me decided before I have to",
        "increment": {"amount": 0.1, "unit": "of the neighbours", "better": "higher"},
        "value_kind": "belonging",
        "evidence": [
            {
                "method": "another_company",
                "summary": "The authors' field experiment; we have not watched a farmer decide",
                "date": "2015-04-01",
            }
        ],
        "definition": mean(_MEETING, "share"),
    },
    kpi={
        "kind": "kpi",
        "name": "Insurance taken",
        "unit_type": "village",
        "description": "Of the farmers who were offered it in the second round",
        "function": "sales",
        "definition": {
            "aggregation": "ratio",
            "numerator": {
                "event": {
                    "event": _MEETING,
                    "where": [{"property": "bought", "op": "=", "value": True}],
                },
                "count": True,
            },
            "denominator": {"event": {"event": _MEETING}, "count": True},
            "value_type": "share",
            "window": SHORT_WINDOW,
            "pre_period": "PT0S",
        },
    },
    hypothesis={
        "direction": "increase",
        "smallest_slope": 0.02,
        "direct_effect_bound": "unknown",
        "rationale": "Few farmers insure against something that nobody around them insures against",
    },
    trials=(_TRIAL,),
    facts=_facts,
    before_verdict=lambda: (
        f"Published, for the same slope with village effects and covariates: {PUBLISHED[0] / 10:+.3f} "
        f"(standard error {PUBLISHED[1] / 10:.3f}) for each tenth of the neighbours."
    ),
    moral="Something moved the second round. One mechanism cannot show that it was the neighbours and "
    "nothing else that the default changed; so the rule asks for a second one instead of believing.",
)
