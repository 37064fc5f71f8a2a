"""Do reports come by themselves: at the planned end, when a verdict changes, and by the clock?"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from service.evidence.tables import Verdict
from service.kit.clock import now
from service.reports import duties, job, requests
from service.reports.kinds import Cause, ReportKind
from service.reports.rules import next_time
from service.reports.tables import ReportRequest, ReportSchedule
from service.runs.rules import RunState
from service.runs.tables import Run
from tests.evidence.company import TWO_MECHANISMS
from tests.reports.conftest import proven_company

STOCKHOLM = "Europe/Stockholm"


@pytest.fixture(scope="module")
def proven(tmp_path_factory, sqlite_template):
    """A company of this module's own: what happens by itself changes what was concluded."""
    with proven_company(tmp_path_factory.mktemp("by_itself") / "data", sqlite_template) as company:
        yield company


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by_the_clock(proven, kept) -> dict:
    return duties.ask_for_reports(proven.company.settings, kept, None, lambda *_: None).told


def test_a_final_run_and_its_verdict_ask_for_reports_in_their_own_transaction(proven, kept) -> None:
    with kept.read() as session:
        of_run = session.scalars(select(ReportRequest).where(ReportRequest.of_run == proven.run["id"])).all()
        of_lever = session.scalars(
            select(ReportRequest).where(
                ReportRequest.subject == proven.hypothesis, ReportRequest.cause == Cause.VERDICT
            )
        ).all()
        verdict = session.scalars(select(Verdict).where(Verdict.hypothesis_id == proven.hypothesis)).first()
    assert [(one.cause, one.subject) for one in of_run] == [(Cause.PLANNED_END, proven.experiment)]
    assert [one.asked_by for one in of_lever] == ["leverboard"]
    assert verdict.created_at <= of_lever[0].at


def test_nothing_is_asked_for_where_the_record_fails(proven, kept, monkeypatch) -> None:
    company = proven.company
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, n=300)
    monkeypatch.setattr(job, "previous", lambda *_: 1 / 0)
    company.stop(experiment)
    run = company.run(experiment)
    assert run["state"] == "failed"
    with kept.read() as session:
        asked = select(ReportRequest).where(ReportRequest.subject == experiment)
        assert session.scalars(asked).all() == []
        assert session.scalars(select(Verdict).where(Verdict.run_id == run["id"])).all() == []


def test_only_a_verdict_that_says_something_else_asks_for_a_lever_report(proven, kept) -> None:
    company, asked = proven.company, []
    wanted = (ReportRequest.subject == proven.hypothesis, ReportRequest.cause == Cause.VERDICT)
    for _ in range(2):
        with kept.read() as session:
            asked.append(len(session.scalars(select(ReportRequest).where(*wanted)).all()))
        before = company.verdict(proven.hypothesis)["latest"]
        assert company.run(proven.experiment)["type"] == "final"
        after = company.verdict(proven.hypothesis)["latest"]
        with kept.read() as session:
            now_asked = len(session.scalars(select(ReportRequest).where(*wanted)).all())
        changed = (before["state"], before["label"]) != (after["state"], after["label"])
        assert now_asked == asked[-1] + changed
    assert after["id"] != before["id"]
    assert not changed  # the second time nothing has changed in any case


def test_the_duty_hands_what_waits_to_the_queue_and_receivers_get_it(proven, kept) -> None:
    hook = {"kind": "webhook", "name": "All verdicts", "url": "https://hooks.invalid/", "causes": ["verdict"]}
    receiver = proven.company.client.post("/v1/receivers", json=hook).json()
    with kept.write() as session:
        wanted = requests.Wanted(
            kind=ReportKind.LEVER, subject=proven.hypothesis, cause=Cause.VERDICT, asked_by="leverboard"
        )
        requests.queue(session, wanted)
    assert duties.requests_due(proven.company.settings, kept, None)
    while by_the_clock(proven, kept)["asked"]:
        proven.write()
    assert not duties.requests_due(proven.company.settings, kept, None)
    found = proven.company.client.get("/v1/deliveries", params={"receiver": receiver["id"]}).json()["items"]
    assert [one["cause"] for one in found] == ["verdict"] * len(found)
    assert found
    off = hook | {"active": False}
    address = f"/v1/receivers/{receiver['id']}"
    proven.company.client.put(address, json=off, headers={"If-Match": '"1"'})


def fire(kept, schedule: dict) -> None:
    """As if its time had come."""
    with kept.write() as session:
        row = update(ReportSchedule).where(ReportSchedule.id == schedule["id"])
        session.execute(row.values(next_at=now() - timedelta(hours=30)))


def test_a_schedule_of_the_board_makes_a_digest_and_comes_round_once(proven, kept) -> None:
    client = proven.company.client
    made = client.post("/v1/schedules", json={"subject": "board", "cron": "0 8 * * 1", "zone": STOCKHOLM})
    assert made.status_code == 201, made.text
    schedule = made.json()
    assert datetime.fromisoformat(schedule["next_at"]) > now()
    fire(kept, schedule)
    assert by_the_clock(proven, kept)["schedules"] == 1
    assert by_the_clock(proven, kept)["schedules"] == 0
    proven.write()
    after = client.get(f"/v1/schedules/{schedule['id']}").json()
    assert datetime.fromisoformat(after["next_at"]) > now()
    assert after["last_at"] is not None
    assert client.get("/v1/reports", params={"kind": "board"}).json()["items"]


def test_a_schedule_of_an_experiment_analyses_it_anew_and_ends_with_it(proven, kept) -> None:
    company, client = proven.company, proven.company.client
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, n=300)
    schedule = client.post("/v1/schedules", json={"subject": experiment, "cron": "0 8 * * *"}).json()
    fire(kept, schedule)
    by_the_clock(proven, kept)
    company.drain()  # the analysis
    by_the_clock(proven, kept)
    proven.write()  # its report
    (report,) = client.get("/v1/reports", params={"subject": experiment}).json()["items"]
    (analysis,) = client.get("/v1/runs", params={"experiment": experiment}).json()["items"]
    assert report["run_id"] == analysis["id"]
    company.finish(experiment)
    fire(kept, schedule)
    by_the_clock(proven, kept)
    ended = client.get(f"/v1/schedules/{schedule['id']}").json()
    assert (ended["active"], ended["next_at"]) == (False, None)
    assert "reported its end" in ended["ended"]


def test_a_report_whose_analysis_failed_is_given_up_with_a_reason(proven, kept) -> None:
    with kept.write() as session:
        session.add(failed := _failed_run(proven.experiment))
        wanted = requests.Wanted(
            kind=ReportKind.EXPERIMENT,
            subject=proven.experiment,
            cause=Cause.SCHEDULED,
            asked_by="ada@example.com",
            awaits=failed.id,
        )
        waiting = requests.queue(session, wanted).id
    assert duties.requests_due(proven.company.settings, kept, None)
    by_the_clock(proven, kept)
    with kept.read() as session:
        assert "did not end well" in session.get_one(ReportRequest, waiting).why_not


def test_a_report_that_was_not_made_is_told_again_by_the_next_one(proven, kept) -> None:
    made = {"subject": "board", "cron": "0 8 1 * *"}
    schedule = proven.company.client.post("/v1/schedules", json=made).json()
    for _ in range(2):
        fire(kept, schedule)
        by_the_clock(proven, kept)
        with kept.write() as session:
            its = select(ReportRequest).where(ReportRequest.schedule_id == schedule["id"])
            *before, last = session.scalars(its.order_by(ReportRequest.id)).all()
            assert last.since == (before[0].at - timedelta(days=7) if before else None)
            run = session.get_one(Run, last.job_id)
            run.state, run.finished_at = RunState.FAILED, now()
        assert duties.requests_due(proven.company.settings, kept, None)
        by_the_clock(proven, kept)
        with kept.read() as session:
            assert "run that was to make it" in session.get_one(ReportRequest, last.id).why_not
        assert not duties.requests_due(proven.company.settings, kept, None)
    fire(kept, schedule)
    by_the_clock(proven, kept)
    proven.write()  # this one is made
    fire(kept, schedule)
    by_the_clock(proven, kept)
    with kept.read() as session:
        *_, made, last = session.scalars(its.order_by(ReportRequest.id)).all()
        assert made.report_sha256 is not None
        assert last.since == made.at
    proven.write()


def _failed_run(experiment: str) -> Run:
    from service.runs.rules import RunState, RunType
    from service.runs.service import queued

    run = queued(experiment, RunType.INTERIM, now())
    run.state, run.created_by = RunState.FAILED, "ada@example.com"
    return run


def test_an_experiment_that_stopped_is_analysed_without_anybody_asking(proven, kept, monkeypatch) -> None:
    company = proven.company
    experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS, n=300)
    company.stop(experiment)

    def analyses() -> int:
        return len(company.client.get("/v1/runs", params={"experiment": experiment}).json()["items"])

    duties.analyse_ends(company.settings, kept, None, lambda *_: None)
    assert analyses() == 0  # people have ten minutes to ask themselves
    monkeypatch.setattr(duties, "GRACE", timedelta(0))
    duties.analyse_ends(company.settings, kept, None, lambda *_: None)
    duties.analyse_ends(company.settings, kept, None, lambda *_: None)
    assert analyses() == 1
    company.drain()
    (run,) = company.client.get("/v1/runs", params={"experiment": experiment}).json()["items"]
    assert (run["type"], run["created_by"]) == ("final", "leverboard")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 8 * * 1", STOCKHOLM, "2026-11-22T22:00", "2026-11-23T07:00"),
        ("0 8 * * *", STOCKHOLM, "2026-06-01T05:00", "2026-06-01T06:00"),
        ("30 2 * * *", STOCKHOLM, "2026-03-28T12:00", "2026-03-29T01:30"),  # the hour that spring skips
        ("30 2 * * *", STOCKHOLM, "2026-10-24T12:00", "2026-10-25T00:30"),  # that autumn repeats: the first
        ("30 2 * * *", STOCKHOLM, "2026-10-25T00:30", "2026-10-26T01:30"),  # and once
        ("0 0 1 * *", "UTC", "2026-12-31T23:59", "2027-01-01T00:00"),
    ],
)
def test_the_wall_clock_of_the_zone_decides(cron, zone, after, expected) -> None:
    assert next_time(cron, zone, at(after)) == at(expected)


def test_a_schedule_comes_round_a_year_of_days_in_any_zone() -> None:
    for zone in (STOCKHOLM, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"):
        moment, days = at("2026-01-01T00:00"), set()
        while moment < at("2027-01-01T00:00"):
            following = next_time("30 2 * * *", zone, moment)
            assert timedelta(hours=20) < following - moment < timedelta(hours=28) or not days
            days.add(following)
            moment = following
        assert 364 <= len(days) <= 367


@pytest.mark.parametrize(
    "wrong",
    [
        {"cron": "* * * * *"},
        {"cron": "0 8 * *"},
        {"cron": "61 8 * * *"},
        {"cron": "0 0 30 2 *"},
        {"cron": "@daily"},
        {"zone": "Mars/Base"},
        {"zone": "../../etc/passwd"},
        {"language": "xx"},
        {"subject": "team"},
        {"receivers": ["rcv_0"]},
    ],
)
def test_schedules_that_make_no_sense_are_refused(client, wrong) -> None:
    answer = client.post("/v1/schedules", json={"subject": "board", "cron": "0 8 * * *"} | wrong)
    assert answer.status_code == 422, answer.text


def test_only_the_owning_team_schedules_its_things(proven, client_for) -> None:
    stranger = client_for(proven.company.settings, team="ops")
    draft = {"subject": proven.experiment, "cron": "0 8 * * *"}
    assert stranger.post("/v1/schedules", json=draft).status_code == 403
    mine = proven.company.client.post("/v1/schedules", json=draft).json()
    address = f"/v1/schedules/{mine['id']}"
    assert stranger.put(address, json=draft, headers={"If-Match": '"1"'}).status_code == 403
    off = proven.company.client.put(address, json=draft | {"active": False}, headers={"If-Match": '"1"'})
    assert off.json()["next_at"] is None
    told = proven.company.client.get(f"{address}/changes").json()
    assert [(one["act"], one["author"]) for one in told] == [
        ("replaced", "ada@example.com"),
        ("created", "ada@example.com"),
    ]
    assert set(told[0]["fields"]) == {"active", "next_at"}
