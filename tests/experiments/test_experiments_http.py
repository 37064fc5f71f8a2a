"""Experiments as a client meets them, on both databases."""

import dataclasses
import json

import pytest
from sqlalchemy import event

from service.experiments import planned
from service.experiments import service as experiments
from service.experiments.schemas import ExperimentState
from service.hypotheses.registered import get_registered
from service.kit.database import Database
from service.kit.paging import Query
from service.metrics import service as metrics
from tests.experiments.drafts import ground, placebo, plan, started, step, treatment
from tests.hypotheses.drafts import created, hypothesis, mechanism, registered
from tests.metrics.drafts import cpi, kpi

FIRST, SECOND = ({"If-Match": f'"{revision}"'} for revision in (1, 2))
CONTROL = {"name": "control", "weight": 1, "control": True}
VERBS = ("approve", "start", "stop", "conclude")
ORDER = ("draft", "approved", "running", "stopped", "concluded")


def refused(client, document):
    answer = client.post("/v1/experiments", json=document)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {error["rule"] for error in answer.json()["errors"]}


def warned(client, document):
    return {w["rule"] for w in created(client, "/v1/experiments", document)["warnings"]}


def test_an_experiment_goes_through_its_states_step_by_step(each_client):
    on = ground(each_client)
    drafted = created(each_client, "/v1/experiments", plan(on))
    assert (drafted["state"], drafted["phases"], drafted["sha256"]) == ("draft", [], None)
    assert drafted["planned_units"] == 3000
    seen = [step(each_client, drafted["id"], verb) for verb in VERBS]
    assert [shown["state"] for shown in seen] == list(ORDER[1:])
    final = seen[-1]
    assert [t["state"] for t in final["transitions"]] == list(ORDER[1:])
    assert {t["by"] for t in final["transitions"]} == {"ada@example.com"}
    times = [final[f"{state}_at"] for state in ("created", "approved", "started", "stopped", "concluded")]
    assert times == sorted(times)
    assert final["phases"][0]["weights"] == {"control": 2, "placebo": 1, "prefilled": 1}
    assert final["phases"][0]["number"] == 1
    assert final["sha256"] == seen[0]["sha256"]
    assert final["hypothesis_versions"] == [{"hypothesis": on.hypothesis, "version": 1}]


@pytest.mark.parametrize("reached", range(len(ORDER)), ids=ORDER)
def test_every_other_step_is_refused_and_the_answer_says_what_is_legal(client, reached):
    experiment_id = created(client, "/v1/experiments", plan(ground(client)))["id"]
    for verb in VERBS[:reached]:
        step(client, experiment_id, verb)
    url = f"/v1/experiments/{experiment_id}"
    now = client.get(url)
    legal = list(VERBS[reached : reached + 1])
    for verb in set(VERBS) - set(legal):
        answer = client.post(f"{url}:{verb}", headers={"If-Match": now.headers["ETag"]})
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:leverboard:problem:illegal-transition"
        assert (answer.json()["state"], answer.json()["legal"]) == (ORDER[reached], legal)
    assert client.get(url).json() == now.json()


def test_a_draft_is_replaced_as_a_whole_and_an_approved_plan_is_not(each_client):
    on = ground(each_client)
    experiment_id = created(each_client, "/v1/experiments", plan(on))["id"]
    url = f"/v1/experiments/{experiment_id}"
    answer = each_client.put(url, json=plan(on, name="Renamed"), headers=FIRST)
    assert (answer.json()["name"], answer.headers["ETag"]) == ("Renamed", '"2"')
    assert each_client.put(url, json=plan(on, name="Stale"), headers=FIRST).status_code == 412
    assert each_client.put(url, json=plan(on, name="Blind")).status_code == 428
    step(each_client, experiment_id, "approve")
    refusal = each_client.put(url, json=plan(on), headers={"If-Match": '"3"'})
    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:leverboard:problem:experiment-frozen"
    assert refusal.json()["legal"] == ["start"]


def test_only_registered_hypotheses_are_tested(client):
    on = ground(client)
    draft = created(client, "/v1/hypotheses", hypothesis(on.cpi, on.kpi))["id"]
    tests = [{"hypothesis": draft, "arms": [treatment("prefilled", on.mechanism)]}]
    experiment_id = created(client, "/v1/experiments", plan(on, hypotheses=tests))["id"]
    url = f"/v1/experiments/{experiment_id}:approve"
    refusal = client.post(url, headers=FIRST)
    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:leverboard:problem:experiment-not-ready"
    assert refusal.json()["errors"][0]["rule"] == "hypotheses_are_registered"
    client.post(f"/v1/hypotheses/{draft}:register", headers=FIRST)
    assert client.post(url, headers=FIRST).status_code == 200


def test_a_mechanism_is_fixed_once_an_experiment_that_uses_it_has_started(each_client):
    on = ground(each_client)
    url = f"/v1/mechanisms/{on.mechanism}"
    spare = created(each_client, "/v1/mechanisms", mechanism(on.cpi, name="Spare"))["id"]
    experiment_id = created(each_client, "/v1/experiments", plan(on))["id"]
    step(each_client, experiment_id, "approve")
    assert each_client.patch(url, json={"name": "Still free"}, headers=FIRST).status_code == 200
    step(each_client, experiment_id, "start")
    fixed = each_client.get(url)
    refusal = each_client.patch(url, json={"name": "No"}, headers={"If-Match": fixed.headers["ETag"]})
    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:leverboard:problem:mechanism-fixed"
    assert fixed.json()["fixed_at"] is not None
    assert each_client.patch(f"/v1/mechanisms/{spare}", json={"name": "Ok"}, headers=FIRST).status_code == 200


def test_new_weights_open_a_new_phase_while_the_experiment_runs(each_client):
    on = ground(each_client)
    experiment_id = started(each_client, plan(on))
    url = f"/v1/experiments/{experiment_id}/phases"
    seen = each_client.get(f"/v1/experiments/{experiment_id}").headers["ETag"]
    weights = {"control": 1, "placebo": 1, "prefilled": 2}
    assert (
        each_client.post(url, json={"weights": {"control": 1, "x": 1}}, headers={"If-Match": seen}).json()[
            "errors"
        ][0]["rule"]
        == "every_arm_has_a_weight"
    )
    answer = each_client.post(url, json={"weights": weights}, headers={"If-Match": seen})
    assert answer.status_code == 201
    assert [(p["number"], p["weights"]["prefilled"]) for p in answer.json()["phases"]] == [(1, 1), (2, 2)]
    step(each_client, experiment_id, "stop")
    late = {"If-Match": each_client.get(f"/v1/experiments/{experiment_id}").headers["ETag"]}
    assert each_client.post(url, json={"weights": weights}, headers=late).status_code == 409


def test_a_phase_of_an_experiment_that_no_header_could_name_is_not_found(client):
    weights = {"weights": {"control": 1, "placebo": 1}}
    assert client.post("/v1/experiments/%F3%94%81%90/phases", json=weights, headers=FIRST).status_code == 404


def test_only_the_owning_team_plans_and_steps(client, other_team_client):
    on = ground(client)
    url = f"/v1/experiments/{created(client, '/v1/experiments', plan(on))['id']}"
    assert other_team_client.get(url).status_code == 200
    assert other_team_client.put(url, json=plan(on), headers=FIRST).status_code == 403
    assert other_team_client.post(f"{url}:approve", headers=FIRST).status_code == 403


def test_lists_are_filtered(each_client):
    on = ground(each_client)
    running = started(each_client, plan(on))
    draft = created(each_client, "/v1/experiments", plan(on))["id"]

    def listed(**filters):
        return [e["id"] for e in each_client.get("/v1/experiments", params=filters).json()["items"]]

    assert listed() == [running, draft]
    assert listed(state="running") == [running]
    assert listed(team="ops") == []
    assert each_client.get("/v1/experiments/exp_nothing").status_code == 404


@pytest.mark.parametrize(
    ("arms", "rule"),
    [
        ([CONTROL], "two_arms"),
        ([{"name": "a", "weight": 1}, {"name": "b", "weight": 1}], "one_control"),
        ([CONTROL, CONTROL | {"name": "b"}], "one_control"),
        ([CONTROL, {"name": "Control", "weight": 1}], "arm_names_differ"),
    ],
)
def test_arms_are_told_apart_and_one_is_the_control(client, arms, rule):
    on = ground(client)
    document = plan(on, arms=arms, hypotheses=[], secondary=[{"metric": on.kpi}])
    assert refused(client, document) == {rule}


def test_weights_need_not_add_up_to_one(client, database: Database):
    arms = [CONTROL | {"weight": 3}, {"name": "placebo", "weight": 0.5}, {"name": "prefilled", "weight": 0.5}]
    experiment_id = created(client, "/v1/experiments", plan(ground(client), arms=arms))["id"]
    with database.read() as session:
        shares = planned.get(session, experiment_id).shares()
    assert shares == {1: {"control": 0.75, "placebo": 0.125, "prefilled": 0.125}}


def test_roles_and_mechanisms_fit_the_hypothesis(client):
    on = ground(client)
    other_cpi = created(client, "/v1/metrics", cpi(name="Options"))["id"]
    other = created(client, "/v1/mechanisms", mechanism(other_cpi))["id"]

    def roles(*arms):
        return refused(client, plan(on, hypotheses=[{"hypothesis": on.hypothesis, "arms": list(arms)}]))

    assert roles(treatment("unknown", on.mechanism)) == {"roles_name_treatment_arms"}
    assert roles(treatment("control", on.mechanism)) == {"roles_name_treatment_arms"}
    assert roles(placebo("prefilled"), treatment("prefilled", on.mechanism)) == {"one_role_per_arm"}
    assert roles(treatment("prefilled", other)) == {"mechanism_moves_the_cpi"}
    assert roles(treatment("prefilled", "mec_unknown")) == {"mechanism_moves_the_cpi"}


def test_a_placebo_says_what_it_shares_with_the_active_arms(client):
    on = ground(client)
    silent = {key: value for key, value in placebo("placebo").items() if key != "shares"}
    tests = [{"hypothesis": on.hypothesis, "arms": [silent]}]
    assert refused(client, plan(on, hypotheses=tests)) == {"missing"}


def test_a_placebo_may_be_one_mechanisms_own_and_still_is_none(client):
    on = ground(client)
    own = placebo("placebo") | {"mechanism": on.mechanism}
    arms = [own, treatment("prefilled", on.mechanism)]
    created = client.post(
        "/v1/experiments", json=plan(on, hypotheses=[{"hypothesis": on.hypothesis, "arms": arms}])
    )
    assert created.status_code == 201, created.text
    assert "one_mechanism" in {warning["rule"] for warning in created.json()["warnings"]}
    unknown = [own | {"mechanism": "mec_unknown"}, treatment("prefilled", on.mechanism)]
    tests = [{"hypothesis": on.hypothesis, "arms": unknown}]
    assert refused(client, plan(on, hypotheses=tests)) == {"mechanism_moves_the_cpi"}


def test_a_treatment_has_a_mechanism_and_a_dose(client):
    on = ground(client)
    whole = treatment("prefilled", on.mechanism)
    for missing in ("mechanism", "dose"):
        arm = {key: value for key, value in whole.items() if key != missing}
        tests = [{"hypothesis": on.hypothesis, "arms": [arm]}]
        assert refused(client, plan(on, hypotheses=tests)) == {"missing"}


def test_hypotheses_are_known_named_once_and_of_the_same_unit_type(client):
    on = ground(client)
    test = plan(on)["hypotheses"][0]
    assert refused(client, plan(on, hypotheses=[test, test])) == {"hypothesis_once"}
    assert refused(client, plan(on, hypotheses=[test | {"hypothesis": "hyp_x"}])) == {"known_hypothesis"}
    assert refused(client, plan(on, unit_type="session")) == {"one_unit_type"}


def test_metrics_are_known_of_the_unit_type_and_pinned(client):
    on = ground(client)
    watch = created(client, "/v1/metrics", kpi(kind="watch", name="Clicks"))["id"]
    accounts = created(client, "/v1/metrics", kpi(unit_type="account"))["id"]
    drafted = created(client, "/v1/experiments", plan(on, secondary=[{"metric": watch}]))
    assert drafted["secondary"] == [{"metric": watch, "version": 1}]
    rule = {"known_metric_of_the_unit_type"}
    assert refused(client, plan(on, guardrails=[{"metric": accounts}])) == rule
    assert refused(client, plan(on, guardrails=[{"metric": "met_x"}])) == rule
    assert refused(client, plan(on, guardrails=[{"metric": watch, "version": 2}])) == rule
    both = {"secondary": [{"metric": watch}], "guardrails": [{"metric": watch}]}
    assert refused(client, plan(on, **both)) == {"metric_once"}
    assert refused(client, plan(on, hypotheses=[])) == {"something_is_measured"}


def test_covariates_and_recording_refer_to_what_is_measured(client):
    on = ground(client)
    assert created(client, "/v1/experiments", plan(on, covariates=[on.kpi]))["covariates"] == [on.kpi]
    assert refused(client, plan(on, covariates=["met_x"])) == {"covariates_are_measured"}
    entry = {"arm": "prefilled", "metric": on.cpi, "how": "The clock starts at the prefilled page"}
    assert "records_differently" in warned(client, plan(on, records_differently=[entry]))
    assert refused(client, plan(on, records_differently=[entry | {"arm": "x"}])) == {"known_arm"}
    unmeasured = [entry | {"metric": "met_x"}]
    assert refused(client, plan(on, records_differently=unmeasured)) == {"recorded_metrics_are_measured"}


@pytest.mark.parametrize("question", ["records_differently", "shared_capacity", "planned_size"])
def test_what_must_be_asked_is_never_defaulted(client, question):
    document = plan(ground(client))
    del document[question]
    assert refused(client, document) == {"missing"}


def test_shared_capacity_needs_clusters(client):
    on = ground(client)
    shared = plan(on, shared_capacity=["call-centre agents"])
    assert "interference_possible" in warned(client, shared)
    clustered = shared | {"randomised_by": "cluster", "cluster": "region"}
    assert "interference_possible" not in warned(client, clustered)
    assert refused(client, shared | {"randomised_by": "cluster"}) == {"clusters_are_named"}
    assert refused(client, shared | {"cluster": "region"}) == {"clusters_are_named"}
    assert refused(client, clustered | {"analysis": {"blocks": "country"}}) == {"blocks_are_of_units"}


def test_one_mechanism_with_an_unknown_direct_effect_is_warned_beforehand(each_client):
    client = each_client
    on = ground(client)
    second = created(client, "/v1/mechanisms", mechanism(on.cpi, name="Cache"))["id"]
    assert "one_mechanism" in warned(client, plan(on))
    both = [treatment("placebo", second, 1), treatment("prefilled", on.mechanism)]
    tests = [{"hypothesis": on.hypothesis, "arms": both}]
    assert warned(client, plan(on, hypotheses=tests)) == set()
    bounded = registered(client, on.cpi, on.kpi, direct_effect_bound=0)
    tests = [{"hypothesis": bounded, "arms": [treatment("prefilled", on.mechanism)]}]
    assert warned(client, plan(on, hypotheses=tests)) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"name": "x" * 10**6},
        {"name": "x" * 500},
        {"name": ""},
        {"arms": []},
        {"arms": [CONTROL, {"name": "b", "weight": 0}]},
        {"arms": [CONTROL, {"name": "b", "weight": -1}]},
        {"arms": [CONTROL, {"name": "b", "weight": "1"}]},
        {"arms": [CONTROL, {"name": "b\u0007", "weight": 1}]},
        {"arms": [CONTROL, {"name": "b", "weight": 1, "control": "yes"}]},
        {"planned_size": {"units": 1, "per": "arm"}},
        {"planned_size": {"units": 10.5, "per": "arm"}},
        {"planned_looks": 0},
        {"exposure": "sometimes"},
        {"exposure": {"event": ""}},
        {"hypotheses": [{"hypothesis": "x" * 10**6, "arms": []}]},
        {"hypotheses": "all"},
    ],
)
def test_hostile_plans_are_refused_as_problems(client, change):
    refused(client, plan(ground(client)) | change)
    assert client.get("/v1/experiments").json()["items"] == []


def test_an_exposure_event_is_kept_with_the_plan(client, database: Database):
    exposure = {"event": "quote_page_seen", "where": []}
    experiment_id = created(client, "/v1/experiments", plan(ground(client), exposure=exposure))["id"]
    with database.read() as session:
        found = planned.get(session, experiment_id)
    assert found.exposure is not None
    assert found.exposure.event == "quote_page_seen"


def test_other_rooms_get_the_plan_with_pinned_metrics(client, database: Database):
    on = ground(client)
    watch = created(client, "/v1/metrics", kpi(kind="watch", name="Clicks"))["id"]
    experiment_id = started(client, plan(on, secondary=[{"metric": watch}], covariates=[on.kpi]))
    with database.read() as session:
        found = planned.get(session, experiment_id)
        keys = [metric.key for metric in planned.measured(session, experiment_id)]
    assert found.state is ExperimentState.RUNNING
    assert (found.control.name, [arm.name for arm in found.treatments]) == (
        "control",
        ["placebo", "prefilled"],
    )
    assert [role.role for role in found.roles(on.hypothesis)] == ["placebo", "treatment"]
    assert found.roles("hyp_other") == ()
    assert found.planned_units == 3000
    assert found.exposure is None
    assert found.shares() == {1: {"control": 0.5, "placebo": 0.25, "prefilled": 0.25}}
    assert keys == [f"{on.cpi}@1", f"{on.kpi}@1", f"{watch}@1"]


def test_every_experiment_that_names_both_metrics_and_started_later_is_linked(each_client, each_database):
    on = ground(each_client)
    both = {"secondary": [{"metric": on.kpi}], "guardrails": [{"metric": on.cpi}]}
    tested = started(each_client, plan(on))
    unnamed = started(each_client, plan(on, hypotheses=[], **both))
    started(each_client, plan(on, hypotheses=[], secondary=[{"metric": on.kpi}]))  # measures the KPI alone
    created(each_client, "/v1/experiments", plan(on))  # never started
    later = registered(each_client, on.cpi, on.kpi)
    newest = started(each_client, plan(on))

    with each_database.read() as session:
        for hypothesis_id, expected in ((on.hypothesis, [tested, unnamed, newest]), (later, [newest])):
            found = planned.linked(session, get_registered(session, hypothesis_id))
            assert [experiment.id for experiment in found] == expected


def test_what_is_linked_is_read_in_as_many_queries_however_much_it_is(client, database: Database):
    on = ground(client)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    counts = []
    for _ in range(2):
        for _ in range(3):
            started(client, plan(on, secondary=[{"metric": on.kpi}], guardrails=[{"metric": on.cpi}]))
        with database.read() as session:
            hypothesis = get_registered(session, on.hypothesis)
            asked.clear()
            found = planned.linked(session, hypothesis)
        counts.append((len(found), len(asked)))
    assert counts == [(3, counts[0][1]), (6, counts[0][1])]
    assert found[0].secondary[0].key == f"{on.kpi}@1"
    assert [len(one.phases) for one in found] == [1] * 6


def test_a_list_is_read_in_as_many_queries_however_long_it_is(client, database: Database):
    on = ground(client)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    counts = []
    for _ in range(2):
        for _ in range(3):
            started(client, plan(on))
            created(client, "/v1/metrics", kpi())
        with database.read() as session:
            asked.clear()
            found = experiments.find(session, experiments.Filter(), Query())
            known = metrics.find(session, metrics.Filter(), Query())
            counts.append(len(asked))
            assert found.items == [experiments.show(session, one.id).value for one in found.items]
            assert known.items == [metrics.get(session, one.id) for one in known.items]
    assert counts == [counts[0]] * 2
    assert len(found.items) == 6


def test_an_amendment_drops_no_experiment(client, database: Database):
    on = ground(client)
    tested = started(client, plan(on))
    amendment = {"reason": "Prices rose", "change": {"smallest_slope": 0.02}}
    url = f"/v1/hypotheses/{on.hypothesis}:amend"
    assert client.post(url, json=amendment, headers=SECOND).status_code == 200
    with database.read() as session:
        found = planned.linked(session, get_registered(session, on.hypothesis))
    assert [experiment.id for experiment in found] == [tested]


def test_a_bound_rests_on_experiments_on_both_metrics_that_were_over_before(client, database: Database):
    on = ground(client)
    earlier, running, late = (started(client, plan(on)) for _ in range(3))
    only_kpi = started(client, plan(on, hypotheses=[], secondary=[{"metric": on.kpi}]))
    for experiment in (earlier, only_kpi):
        step(client, experiment, "stop")
    named = [earlier, running, late, only_kpi, "exp_invented"]
    later = registered(client, on.cpi, on.kpi, direct_effect_bound=0.001, bound_evidence=named)
    counting = started(client, plan(on))
    for experiment in (late, counting):
        step(client, experiment, "stop")
    with database.read() as session:
        hypothesis = get_registered(session, later)
        assert planned.supporting(session, hypothesis) == (earlier,)
        named_too = dataclasses.replace(hypothesis, bound_evidence=(earlier, counting))
        assert planned.supporting(session, named_too) == (earlier,)
        sessions = dataclasses.replace(hypothesis, unit_type="session")
        assert planned.supporting(session, sessions) == ()


def test_a_metric_without_a_pre_period_is_no_covariate(client):
    """After exposure it would be part of the effect, and adjusting would take that away."""
    on = ground(client)
    definition = {
        "aggregation": "count",
        "event": {"event": "called"},
        "window": "P7D",
        "pre_period": "P0D",
    }
    late = created(client, "/v1/metrics", kpi(name="Calls", definition=definition))["id"]
    draft = plan(on, secondary=[{"metric": late}], covariates=[late])
    answer = client.post("/v1/experiments", json=draft)
    assert answer.status_code == 422, answer.text
    assert {one["rule"] for one in answer.json()["errors"]} == {"covariates_precede_exposure"}


@pytest.mark.parametrize(
    ("analysis", "rule"),
    [
        ({"margins": [{"metric": "CPI", "amount": 0.1}]}, "named_metrics_are_in_the_plan"),
        ({"negligible": [{"metric": "met_0", "amount": 0.1}]}, "named_metrics_are_in_the_plan"),
        ({"primary": ["CPI", "CPI"]}, "said_once"),
        ({"looks": {"fractions": [0.5, 1.0]}, "planned_looks": 3}, "looks_agree"),
    ],
)
def test_an_analysis_names_what_the_plan_measures_once(client, analysis, rule):
    on = ground(client)
    text = json.dumps(analysis).replace("CPI", on.cpi)
    said = json.loads(text)
    changes = {"planned_looks": said.pop("planned_looks")} if "planned_looks" in said else {}
    answer = client.post("/v1/experiments", json=plan(on, analysis=said, **changes))
    assert answer.status_code == 422, answer.text
    assert rule in {one["rule"] for one in answer.json()["errors"]}


def test_the_analysis_is_part_of_what_is_hashed(client):
    on = ground(client)
    hashes = set()
    for analysis in ({}, {"alpha": 0.01}):
        experiment = created(client, "/v1/experiments", plan(on, analysis=analysis))["id"]
        hashes.add(step(client, experiment, "approve")["sha256"])
    assert len(hashes) == 2
