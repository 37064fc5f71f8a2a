"""A registered claim as reports hold it: a minute less of a quote, half a point more bought."""

from datetime import UTC, datetime

from service.reports.bundles import HypothesisPart, MetricPart


def hypothesis(*, direction: str = "increase") -> HypothesisPart:
    metric = {"version": 1, "state": None}
    cpi = MetricPart(**metric, ref="q@1", id="q", name="Quote", kind="cpi", share=False, unit="minute")
    kpi = MetricPart(**metric, ref="b@1", id="b", name="Bought", kind="kpi", share=True, unit=None)
    return HypothesisPart(
        id="hyp_01",
        version=1,
        sha256="ab" * 32,
        statement="",
        cpi=cpi,
        kpi=kpi,
        increment="1 minute less",
        step=-1.0,
        direction=direction,
        smallest_slope=0.0075,
        direct_effect_bound=None,
        alpha=0.05,
        window="P1D",
        unit_type="customer",
        rationale="",
        owner="ada@example.com",
        team="growth",
        registered_at=datetime(2026, 11, 1, tzinfo=UTC),
        registered_by="ada@example.com",
        amendments=(),
    )
