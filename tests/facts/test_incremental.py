"""Does a refresh read only the days that its windows touch?"""

from service import facts
from service.facts import engine
from service.facts.query import reading
from service.facts.tables import FactKind
from tests.facts.reference import Assigned, Happened
from tests.facts.test_moments import DAY, MANY, START, asked, parsed


def test_a_run_reads_the_days_from_its_first_pre_period_to_the_time_asked_about(
    settings, database, store, monkeypatch
):
    store(FactKind.ASSIGNMENTS, [Assigned(one, "u1", "control", START) for one in ("exp_1", "exp_2")])
    days = range(-30, 30)
    store(FactKind.OUTCOMES, [Happened(f"o{day}", "u1", "called", START + day * DAY) for day in days])
    read: dict[str, list[str]] = {}
    register = engine.register

    def recorded(opened, settings, name, files, *rest, **more):
        read[str(name)] = list(files)
        register(opened, settings, name, files, *rest, **more)

    monkeypatch.setattr(reading.engine, "register", recorded)
    query = asked(parsed(MANY["count"], pre_period="P3D"), started_at=START, as_of=START + 7 * DAY)
    result = facts.moments(settings, facts.fold(settings, database), query)
    assert result.moments["control", 1].mean.tolist() == [5.0, 3.0]
    touched = {(START + day * DAY).date().isoformat() for day in range(-3, 8)}
    assert {path.split("day=")[1][:10] for path in read[FactKind.OUTCOMES]} == touched
    assert all("experiment=exp_1" in path for path in read[FactKind.ASSIGNMENTS])
    assert FactKind.ATTRIBUTES not in read
    assert FactKind.EXPOSURES not in read
