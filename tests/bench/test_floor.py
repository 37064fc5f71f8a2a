"""Do the run and the hand-written floor answer the same question? A ratio of two questions means nothing."""

from itertools import batched

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
    by_hand = floor(made, snapshot)
    p = len(found.columns)
    assert len(by_hand.cells) == len(found.days) == 3 * 14
    for arm, phase, day, n, *numbers in by_hand.cells:
        ours = found.days[arm, phase, day]
        assert ours.n == n > 30
        np.testing.assert_allclose(ours.mean, numbers[:p], rtol=1e-12)
        above = [ours.covariance[i, j] for i, j in pairs(p)]
        np.testing.assert_allclose(above, numbers[p:], rtol=1e-9, atol=1e-12)
    assert [(row[0], row[1]) for row in by_hand.largest] == [(arm, 1) for arm in world.ARMS]
    for arm, phase, *numbers in by_hand.largest:
        for (ref, _), told in zip(query.metrics, batched(numbers, 3, strict=True), strict=True):
            ours = found.largest[ref, arm, phase]
            np.testing.assert_allclose((ours.threshold, ours.n, ours.total), told, rtol=1e-9)
    agree(run(made, database), by_hand)
    database.close()
    assert report(made, *compared(made, rounds=1)) > 0
    assert "floor.sql" in capsys.readouterr().out
