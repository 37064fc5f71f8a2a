"""What do people call the thing that an id names, and where is it shown?"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.experiments import planned as experiments
from service.hypotheses import registered as hypotheses

_ID = re.compile(r"\b(?:exp|hyp)_[0-9a-z]{26}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    name: str
    address: str


def named(session: Session, ids: Collection[str]) -> Mapping[str, Named]:
    """Experiments and registered hypotheses among these ids, each once."""
    own = {one for one in ids if _ID.fullmatch(one)}
    called = experiments.names(session, [one for one in own if one.startswith("exp_")])
    found = {one: Named(name=name, address=f"/experiments/{one}") for one, name in called.items()}
    claims = hypotheses.registered_among(session, [one for one in own if one.startswith("hyp_")])
    for one, claim in claims.items():  # a draft has no page of its own yet
        found[one] = Named(name=f"{claim.cpi.name} → {claim.kpi.name}", address=f"/levers/{one}")
    return found


def said_by_name(session: Session, text: str) -> str:
    """The text with what its ids are called, where that is known."""
    known = named(session, _ID.findall(text))
    return _ID.sub(lambda found: f"“{known[found[0]].name}”" if found[0] in known else found[0], text)
