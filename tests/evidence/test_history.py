"""Verdicts pile up over years: are they read a page at a time?"""

from sqlalchemy import select

from service.evidence.documents import VerdictState
from service.evidence.tables import Verdict
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from tests.evidence.company import Company


def keep(session, hypothesis: str, place: int) -> None:
    session.add(
        Verdict(
            id=new_id("ver"),
            hypothesis_id=hypothesis,
            state=VerdictState.INCONCLUSIVE,
            label=None,
            relationship={},
            verdict={
                "state": "inconclusive",
                "label": None,
                "slope": {"not_estimable": {"reason": "test", "detail": "none"}},
                "reasons": [],
                "needed_units_per_arm": None,
                "sentence": f"Verdict {place}.",
            },
            rule={},
            hypothesis_version=1,
            hypothesis_hash="",
            experiments=[],
            missing=[],
            run_id=new_id("run"),
            created_at=now(),
        )
    )
    session.flush()


def test_the_history_comes_in_pages_and_the_latest_with_each(company: Company, database: Database) -> None:
    hypothesis = company.hypothesis()
    with database.write() as session:
        for place in range(7):
            keep(session, hypothesis, place)
    with database.read() as session:
        kept = session.scalars(select(Verdict.id).order_by(Verdict.id.desc())).all()
    url, seen, pages = f"/v1/hypotheses/{hypothesis}/verdict?limit=3", [], 0
    while url:
        answer = company.client.get(url)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["latest"]["sentence"] == "Verdict 6."
        seen += [verdict["id"] for verdict in found["history"]]
        url = answer.links.get("next", {}).get("url")
        assert (found["next"] is None) == (url is None)
        pages += 1
    assert (seen, pages) == (list(kept), 3)


def test_without_verdicts_there_is_no_page(company: Company) -> None:
    found = company.verdict(company.hypothesis())
    assert (found["latest"], found["history"], found["next"]) == (None, [], None)
