"""How easily would chance alone have given this verdict's evidence? Computed once, kept beside the verdict.

It is read by the board over all hypotheses of the program, and by no verdict.
"""

from collections.abc import Sequence

from analyses import Discovery, discovery
from service.evidence.documents import (
    DiscoveryDocument,
    LookDocument,
    LookState,
    ReasonDocument,
    RefusalDocument,
    Unanswered,
    VerdictDocument,
)
from service.evidence.judgement import Basis, rule_of
from service.evidence.tables import Verdict

MADE_BEFORE = "made_before"  # a reason that pages and reports tell apart

NOT_CLAIMED = Unanswered(
    not_estimable=RefusalDocument(
        reason="nothing_claimed",
        detail="No answer could be given yet, whatever the effects are: nothing is claimed, so nothing can "
        "be a false discovery.",
    )
)
NOT_KEPT = Unanswered(
    not_estimable=RefusalDocument(
        reason=MADE_BEFORE,
        detail="This verdict was made before p-values were kept; the next one will have its own.",
    )
)


def found_discovery(basis: Basis, look: LookDocument) -> DiscoveryDocument | None:
    """Of the evidence that a verdict rests on; None where the look spent nothing, since nothing was claimed.

    Verdict k of a hypothesis is due at alpha / (k (k + 1)), so that its p-value at the registered alpha is
    k (k + 1) times the evidence's own: all verdicts together are paid for. After an amendment both versions
    of the question have to agree, and the larger p-value counts. Where one of them could give no answer after
    all, no error rate would have confirmed a lever: that is a p-value of 1.
    """
    if look.state is LookState.BLOCKED:
        return None
    asked = [basis] if basis.amended is None else [basis, basis.amended.before]
    found = [discovery(rule_of(one), one.usable) for one in asked]
    told = [one for one in found if isinstance(one, Discovery)]
    if len(told) < len(found):
        return DiscoveryDocument(p_value=1.0, log_e_value=None)
    logs = [one.log_e_value for one in told]
    return DiscoveryDocument(
        p_value=min(1.0, look.number * (look.number + 1) * max(one.p_value for one in told)),
        log_e_value=None if None in logs else min(one for one in logs if one is not None),
    )


def kept_discovery(verdict: Verdict) -> DiscoveryDocument | None:
    """What was kept beside a verdict."""
    if verdict.p_value is None:
        return None
    return DiscoveryDocument(p_value=verdict.p_value, log_e_value=verdict.log_e_value)


def told_discovery(verdict: Verdict, *, spent: bool) -> DiscoveryDocument | Unanswered:
    """The same as it is published; ``spent`` tells whether the verdict's look spent error rate."""
    reasons = VerdictDocument.model_validate(verdict.verdict).reasons
    return kept_discovery(verdict) or not_known(reasons, spent=spent)


def not_known(reasons: Sequence[ReasonDocument], *, spent: bool) -> Unanswered:
    """Why a verdict has no p-value: every one that spent error rate has had one since they are kept.

    The others say what stood in the way of any answer, in the verdict's own words.
    """
    if spent:
        return NOT_KEPT
    claimed = NOT_CLAIMED.not_estimable
    own = " ".join([claimed.detail, *(one.text for one in reasons[:1])])
    return Unanswered(not_estimable=RefusalDocument(reason=claimed.reason, detail=own))
