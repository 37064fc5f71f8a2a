"""How many of the board's levers are none? Over all hypotheses, beside verdicts, and never part of one."""

import math

import pytest
from sqlalchemy import select, update

from service.evidence.tables import Verdict
from service.kit.database import Database
from service.levers.discoveries import false_shares
from service.levers.service import _judged, _share
from tests.evidence.company import TWO_MECHANISMS, Company, Dealt

ONE = {"fast": Dealt(shift=-2, mechanism="first")}


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def lever(company: Company, hypothesis: str):
    answer = company.client.get(f"/v1/levers/{hypothesis}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def verdict(company: Company, hypothesis: str):
    return company.client.get(f"/v1/hypotheses/{hypothesis}/verdict").json()["latest"]


def test_a_verdict_has_its_p_value_and_the_board_its_share(company: Company) -> None:
    sure, doubtful = company.hypothesis(), company.hypothesis(smallest_slope=0.4, rationale="Again")
    company.finish(company.experiment([sure, doubtful], TWO_MECHANISMS))
    p = [verdict(company, one)["discovery"]["p_value"] for one in (sure, doubtful)]
    assert all(0 < one <= 0.05 for one in p)
    assert verdict(company, sure)["discovery"]["log_e_value"] is None
    from statsmodels.stats.multitest import multipletests

    by, bh = (multipletests(p, method=method)[1] for method in ("fdr_by", "fdr_bh"))
    for hypothesis, own, share, positive in zip((sure, doubtful), p, by, bh, strict=True):
        assert lever(company, hypothesis)["false_discovery"] == {
            "p_value": own,
            "share": pytest.approx(share),
            "share_positive": pytest.approx(positive),
            "share_anytime": None,
            "hypotheses": 2,
        }
    assert company.client.get("/v1/program").json()["false_confirmed"] == pytest.approx(max(by))


def test_another_claim_changes_shares_and_no_verdict(company: Company) -> None:
    first = company.hypothesis()
    company.finish(company.experiment([first], TWO_MECHANISMS))
    before = lever(company, first)
    for n in range(2):
        another = company.hypothesis(direction="decrease", rationale=f"The other way {n}")
        company.finish(company.experiment([another], TWO_MECHANISMS, name=f"Trial {n}"))
    after = lever(company, first)
    assert after["false_discovery"]["hypotheses"] > before["false_discovery"]["hypotheses"] == 1
    assert after["false_discovery"]["share"] > before["false_discovery"]["share"]
    assert (after["state"], before["state"]) == ("confirmed", "confirmed")


def test_what_claims_nothing_and_what_was_judged_before_say_so(company: Company) -> None:
    hypothesis = company.hypothesis()
    assert lever(company, hypothesis)["false_discovery"] is None
    company.finish(company.experiment([hypothesis], ONE))
    told = lever(company, hypothesis)
    why = told["false_discovery"]["not_estimable"]
    assert why["reason"] == "nothing_claimed"
    assert why["detail"].endswith(told["verdict"]["reasons"][0]["text"]), "its own reason, in its own words"
    assert verdict(company, hypothesis)["discovery"]["not_estimable"] == why
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    assert lever(company, hypothesis)["false_discovery"]["p_value"] < 0.05
    database = Database.open(company.settings.url)
    with database.write() as session:
        session.execute(update(Verdict).values(p_value=None))
    asked = verdict(company, hypothesis)["discovery"]
    with database.read() as session:
        row = session.scalars(select(Verdict).order_by(Verdict.id.desc())).first()
        shown = _share(_judged(row, 0.05), {})
    database.close()
    assert asked == shown.model_dump()
    assert asked["not_estimable"]["reason"] == "made_before"


def test_no_p_value_comes_from_a_page_or_a_filter(company: Company) -> None:
    hypotheses = [company.hypothesis(rationale=f"Claim {n}") for n in range(3)]
    company.finish(company.experiment(hypotheses, TWO_MECHANISMS))
    whole = {
        one["hypothesis_id"]: one["false_discovery"]
        for one in company.client.get("/v1/levers").json()["items"]
    }
    (page,) = company.client.get("/v1/levers?limit=1").json()["items"]
    assert page["false_discovery"] == whole[page["hypothesis_id"]]
    assert {one["hypotheses"] for one in whole.values()} == {3}


def test_a_thousand_verdicts_are_corrected_in_one_pass(company: Company) -> None:
    """Asked again it costs one count: the family is known until another verdict comes."""
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    database = Database.open(company.settings.url)
    with database.write() as session:
        one = session.scalars(select(Verdict)).first()
        fields = {name: getattr(one, name) for name in Verdict.__table__.columns.keys()}  # noqa: SIM118
        session.add_all(
            Verdict(**fields | {"id": f"ver_z{n:05}", "hypothesis_id": f"hyp_{n}", "p_value": (n + 1) / 1000})
            for n in range(999)
        )
    with database.read() as session:
        shares = false_shares(session)
        assert false_shares(session) is shares
    database.close()
    assert len(shares) == 1000
    assert math.isclose(max(one.share for one in shares.values()), 1.0)
