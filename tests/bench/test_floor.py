"""Do the run and the hand-written floor answer the same question? A ratio of two questions means nothing."""

import numpy as np

from service.evidence.plans import plan_of
from service.facts import MomentsQuery, moments, pin
from service.facts.query.summaries import pairs
from service.kit.database import Database
from tests.bench import world
from tests.bench.__main__ import agree, compared, floor, report, run


def test_the_floor_has_every_number_of_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(world, "FOLDER", tmp_path)
    made = world.world(units=3_000, outcomes=60_000, seed=7)
    assert world.world(units=3_000, outcomes=60_000, seed=7) == made
    database = Database.open(made.settings.url)
    snapshot = pin(made.settings, database)
    with database.read() as session:
        plan = plan_of(session, made.experiment)
    query = MomentsQuery(
        experiment=made.experiment,
        arms=plan.arms,
        metrics=tuple((metric.ref, metric.definition) for metric in plan.metrics),
        as_of=world.AS_OF,
        started_at=plan.started_at,
        stopped_at=plan.stopped_at,
    )
    found = moments(made.settings, snapshot, query)
    rows = floor(made, snapshot)
    assert [(row[0], row[1]) for row in rows] == [(arm, 1) for arm in world.ARMS]
    p = len(found.columns)
    for arm, phase, n, *numbers in rows:
        ours = found.moments[arm, phase]
        assert ours.n == n > 900
        np.testing.assert_allclose(ours.mean, numbers[:p], rtol=1e-12)
        above = [ours.covariance[i, j] for i, j in pairs(p)]
        np.testing.assert_allclose(above, numbers[p:], rtol=1e-9, atol=1e-12)
    agree(run(made, database), rows)
    database.close()
    assert report(made, *compared(made, rounds=1)) > 0
    assert "floor.sql" in capsys.readouterr().out
