"""What do those who test and judge hypotheses refer to? The registered versions, and nothing of a draft."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.hypotheses import rules
from service.hypotheses.schemas import Amendment, Direction, HypothesisDraft, HypothesisState
from service.hypotheses.stored import amendments, document, row_of, versions_of
from service.hypotheses.tables import HypothesisRow, HypothesisVersionRow
from service.kit.errors import Conflict
from service.kit.remembered import Remembered
from service.metrics.customer import Better
from service.metrics.segments import Segmentation
from service.metrics.service import Head, PinnedMetric, heads_of, pinned_all


class HypothesisNotRegistered(Conflict):
    slug, title = "hypothesis-not-registered", "The hypothesis is only a draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredHypothesis:
    """One registered version, as facts and evidence refer to it."""

    id: str
    version: int
    since: datetime  # when this version was registered
    sha256: str
    team: str
    owner: str
    registered_at: datetime  # of the first version: what started later counts, whatever was amended since
    registered_by: str
    amendments: tuple[Amendment, ...]
    cpi: PinnedMetric
    kpi: PinnedMetric
    direction: Direction
    smallest_slope: float
    direct_effect_bound: float | None  # None: unknown
    bound_evidence: tuple[str, ...]
    rationale: str
    unit_type: str
    window: timedelta
    prior_scale: float
    alpha: float
    segments: tuple[Segmentation, ...]
    statement: str

    @property
    def hoped_for(self) -> Better:
        """What the company wants of the KPI; where nobody said, what improving the CPI should do to it."""
        if self.kpi.better is not None:
            return self.kpi.better
        return Better.HIGHER if self.direction is Direction.INCREASE else Better.LOWER

    @property
    def sign(self) -> int:
        """Of the slope that is claimed."""
        return 1 if self.direction is Direction.INCREASE else -1

    @property
    def claims_harm(self) -> bool:
        """Whether the company wants the KPI to go the other way."""
        return self.hoped_for is not (Better.HIGHER if self.sign > 0 else Better.LOWER)

    @property
    def deciding(self) -> dict[str, object]:
        """What a verdict on it depends on, by field: an amendment of anything else decides nothing."""
        return {
            "direction": self.direction,
            "smallest_slope": self.smallest_slope,
            "alpha": self.alpha,
            "direct_effect_bound": self.direct_effect_bound,
            "bound_evidence": self.bound_evidence,
            "window": self.window,
            "cpi_version": self.cpi.key,  # its increment and definition with it
            "kpi_version": self.kpi.key,
        }


def get_registered(session: Session, hypothesis_id: str) -> RegisteredHypothesis:
    """For those who test and judge it; a draft is refused."""
    row = row_of(session, hypothesis_id)
    return get_all_registered(session, [row.id])[row.id]


def get_all_registered(
    session: Session, hypothesis_ids: Collection[str]
) -> Mapping[str, RegisteredHypothesis]:
    """The same for many, by id, in a fixed number of queries."""
    columns = (HypothesisRow.id, HypothesisRow.version, HypothesisRow.cpi_id, HypothesisRow.kpi_id)
    rows = session.execute(select(*columns).where(HypothesisRow.id.in_(hypothesis_ids))).all()
    heads = heads_of(session, {metric for _, _, *ends in rows for metric in ends})
    keys = [(key, version, heads[cpi], heads[kpi]) for key, version, cpi, kpi in rows]
    found = _KNOWN.all(keys, lambda missing: _loaded(session, missing))
    return {key[0]: found[key] for key in keys}


def registered_among(session: Session, hypothesis_ids: Collection[str]) -> Mapping[str, RegisteredHypothesis]:
    """Those of the ids that are registered hypotheses, by id; drafts and ids of nothing are left out."""
    rows = select(HypothesisRow.id).where(HypothesisRow.state == HypothesisState.REGISTERED)
    ids = session.scalars(rows.where(HypothesisRow.id.in_(hypothesis_ids))).all()
    return get_all_registered(session, ids)


type _Key = tuple[str, int, Head, Head]  # all that changes: the version, and the metrics as they are today
_KNOWN: Remembered[_Key, RegisteredHypothesis] = Remembered(2000)


def _loaded(session: Session, keys: Collection[_Key]) -> Mapping[_Key, RegisteredHypothesis]:
    ids = [key[0] for key in keys]
    heads = {row.id: row for row in session.scalars(select(HypothesisRow).where(HypothesisRow.id.in_(ids)))}
    rows = {key: heads[key[0]] for key in keys}
    kept = session.scalars(
        select(HypothesisVersionRow)
        .where(HypothesisVersionRow.hypothesis_id.in_(ids))
        .order_by(HypothesisVersionRow.hypothesis_id, HypothesisVersionRow.version)
    )
    versions = {key: list(of) for key, of in groupby(kept, key=lambda version: version.hypothesis_id)}
    drafts = {row.id: document(versions[row.id][-1]) for row in rows.values()}
    pins = pinned_all(session, {ref for draft in drafts.values() for ref in _refs(draft)})
    return {key: _registered(row, versions[row.id], drafts[row.id], pins) for key, row in rows.items()}


def get_registered_versions(session: Session, hypothesis_id: str) -> tuple[RegisteredHypothesis, ...]:
    """Every version that was registered, the first one first; a draft is refused."""
    row = row_of(session, hypothesis_id)
    versions = versions_of(session, row)
    drafts = [document(version) for version in versions]
    pins = pinned_all(session, {ref for draft in drafts for ref in _refs(draft)})
    told = amendments(versions)
    return tuple(
        replace(_registered(row, [version], draft, pins), amendments=told)
        for version, draft in zip(versions, drafts, strict=True)
    )


def registered(session: Session) -> tuple[RegisteredHypothesis, ...]:
    """All of them, oldest first."""
    ids = session.scalars(
        select(HypothesisRow.id)
        .where(HypothesisRow.state == HypothesisState.REGISTERED)
        .order_by(HypothesisRow.id)
    ).all()
    found = get_all_registered(session, ids)
    return tuple(found[hypothesis_id] for hypothesis_id in ids)


def teams() -> Select[str]:
    """Every team that has registered one."""
    return select(HypothesisRow.team).where(HypothesisRow.state == HypothesisState.REGISTERED).distinct()


def _refs(draft: HypothesisDraft) -> tuple[tuple[str, int | None], tuple[str, int | None]]:
    return (draft.cpi, draft.cpi_version), (draft.kpi, draft.kpi_version)


def _registered(
    row: HypothesisRow,
    versions: Sequence[HypothesisVersionRow],
    draft: HypothesisDraft,
    pins: Mapping[tuple[str, int | None], PinnedMetric],
) -> RegisteredHypothesis:
    """The last of the versions, whose document is the draft; all of them tell the amendments."""
    version = versions[-1]
    if row.registered_at is None or row.registered_by is None or version.sha256 is None:
        raise HypothesisNotRegistered(f"Hypothesis {row.id} is a draft; register it first.")
    if draft.smallest_slope is None:
        raise ValueError(f"hypothesis {row.id} was registered without a smallest slope")
    cpi, kpi = (pins[ref] for ref in _refs(draft))
    bound = draft.direct_effect_bound
    return RegisteredHypothesis(
        id=row.id,
        version=version.version,
        since=version.at,
        sha256=version.sha256,
        team=row.team,
        owner=row.owner,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        amendments=amendments(versions),
        cpi=cpi,
        kpi=kpi,
        direction=draft.direction,
        smallest_slope=draft.smallest_slope,
        direct_effect_bound=None if bound == "unknown" else bound,
        bound_evidence=draft.bound_evidence,
        rationale=draft.rationale,
        unit_type=draft.unit_type,
        window=draft.window,
        prior_scale=draft.prior_scale,
        alpha=draft.alpha,
        segments=draft.segments,
        statement=rules.statement(draft, cpi, kpi),
    )


def metrics_under_test(session: Session, hypothesis_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """By hypothesis that there is, drafts included: the ids of its CPI and KPI, in one query."""
    rows = select(HypothesisRow.id, HypothesisRow.cpi_id, HypothesisRow.kpi_id)
    found = session.execute(rows.where(HypothesisRow.id.in_(hypothesis_ids)))
    return {key: frozenset({cpi, kpi}) for key, cpi, kpi in found}


def hold(session: Session, hypothesis_ids: Iterable[str]) -> None:
    """Nobody else judges or amends them until the transaction ends; in one order, so that no two deadlock."""
    rows = select(HypothesisRow.id).where(HypothesisRow.id.in_(hypothesis_ids)).order_by(HypothesisRow.id)
    session.execute(rows.with_for_update()).all()
