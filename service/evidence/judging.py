"""How is a judgement published? The verdict, on what it rests, and on what it hangs, as plain JSON."""

from collections.abc import Mapping

from pydantic import JsonValue

from analyses import ExperimentContrasts, as_json
from service.evidence.discovered import found_discovery
from service.evidence.documents import JudgementDocument, LookDocument
from service.evidence.judgement import Basis, judged
from service.evidence.sensitivity import sensitivity
from service.evidence.wording import worded


def judgement_document(basis: Basis, names: Mapping[str, str]) -> JudgementDocument:
    """The verdict as it is published; people read names of metrics and experiments, not references."""
    before = {} if basis.amended is None else basis.amended.before.names
    told = {**names, **before, **basis.names}
    decided = judged(basis)
    if decided.judgement is None:
        return _standing(basis, decided.look)
    found = worded(as_json(decided.judgement), told)
    if not isinstance(found, dict) or not isinstance(found["relationship"], dict):
        raise TypeError(f"a judgement must be a JSON object, got {type(found).__name__}")
    hangs_on = sensitivity(decided.basis, decided.look)
    relationship = found["relationship"] | {"sensitivity": hangs_on and hangs_on.model_dump(mode="json")}
    return JudgementDocument.model_validate(
        found
        | {
            "basis": basis.key,
            "experiments": _counting(decided.basis),
            "relationship": relationship,
            "look": decided.look.model_dump(),
            "discovery": found_discovery(decided.basis, decided.look),
        }
    )


def _standing(basis: Basis, look: LookDocument) -> JudgementDocument:
    """The last verdict as it was, with the words that none is due yet."""
    last = basis.last
    if last is None:
        raise ValueError("the first verdict of a hypothesis is always due")
    return JudgementDocument.model_validate(
        {
            "basis": basis.key,
            "experiments": last.experiments,
            "relationship": last.relationship,
            "verdict": last.verdict,
            "look": look.model_dump(),
            "discovery": last.discovery,
        }
    )


def _counting(basis: Basis) -> list[JsonValue]:
    """The run of each experiment that reported, and whether the verdict uses what it says."""
    return [
        {
            "experiment_id": one.experiment_id,
            "run_id": one.run_id,
            "used": isinstance(one.contrasts, ExperimentContrasts),
        }
        for one in basis.counted
    ]
