"""How many of the levers on the board are none? False discoveries over the whole program, beside verdicts.

All hypotheses are one family, whoever asks for which: no page, filter or team changes a share. A share moves
when another hypothesis has its verdict; a verdict's state never does.
"""

from collections.abc import Collection, Mapping
from functools import partial

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analyses import Discovery, false_discoveries
from service.evidence.tables import Verdict
from service.kit.remembered import Remembered

FALSE_DISCOVERY: JsonDict = {
    "p_value": 0.00031,
    "share": 0.0124,
    "share_positive": 0.0021,
    "share_anytime": 0.031,
    "hypotheses": 212,
}


class FalseDiscoveryView(BaseModel):
    """If this lever and all that are surer are called levers: the expected share of them that is none."""

    model_config = ConfigDict(frozen=True)

    p_value: float = Field(
        description="The smallest error rate at which the rule would have confirmed the lever."
    )
    share: float = Field(
        description="Whatever ties hypotheses together (Benjamini-Yekutieli): they share experiments, "
        "controls and customers."
    )
    share_positive: float = Field(
        description="If they depend positively or not at all (Benjamini-Hochberg): smaller, less is promised."
    )
    share_anytime: float | None = Field(
        description="By E values (e-BH), over the hypotheses whose evidence holds at any moment of stopping; "
        "null for others."
    )
    hypotheses: int = Field(description="With a p-value: the family that is corrected for.")


type _Newest = tuple[int, str | None]
_KNOWN: Remembered[_Newest, Mapping[str, FalseDiscoveryView]] = Remembered(4)


def false_shares(session: Session) -> Mapping[str, FalseDiscoveryView]:
    """By the id of each hypothesis's latest verdict; verdicts without a p-value are not in it.

    Verdicts are only ever added, so that their number and the newest of them name one program.
    """
    newest = session.execute(select(func.count(), func.max(Verdict.id))).one()
    key = (newest[0], newest[1])
    return _KNOWN.all([key], partial(_computed, session))[key]


def _computed(
    session: Session, keys: Collection[_Newest]
) -> Mapping[_Newest, Mapping[str, FalseDiscoveryView]]:
    latest = select(func.max(Verdict.id)).group_by(Verdict.hypothesis_id)
    rows = session.execute(
        select(Verdict.id, Verdict.p_value, Verdict.log_e_value).where(
            Verdict.id.in_(latest), Verdict.p_value.is_not(None)
        )
    )
    found = {row.id: Discovery(p_value=row.p_value, log_e_value=row.log_e_value) for row in rows}
    shares = false_discoveries(found)
    views = {
        verdict_id: FalseDiscoveryView(
            p_value=found[verdict_id].p_value,
            share=one.any_dependence,
            share_positive=one.positive_dependence,
            share_anytime=one.anytime,
            hypotheses=len(found),
        )
        for verdict_id, one in shares.items()
    }
    return dict.fromkeys(keys, views)
