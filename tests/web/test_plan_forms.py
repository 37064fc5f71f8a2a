"""Can a person plan an experiment and take it to its end on the pages?"""

import re

from tests.experiments.drafts import ground, plan, started
from tests.web.typing_in import everything, send, token


def plan_of(on) -> dict[str, str]:
    return {
        "name": "Prefilled quotes",
        "unit_type": "customer",
        "control": "0",
        "arms.0.name": "control",
        "arms.0.weight": "2",
        "arms.2.name": "placebo",
        "arms.2.weight": "1",
        "arms.3.name": "prefilled",
        "arms.3.weight": "1",
        "hypotheses.0.hypothesis": on.hypothesis,
        "hypotheses.0.arms.2.role": "placebo",
        "hypotheses.0.arms.2.shares": "The same new page",
        "hypotheses.0.arms.2.dose.amount": "left over from another role",
        "hypotheses.0.arms.3.role": "treatment",
        "hypotheses.0.arms.3.mechanism": on.mechanism,
        "hypotheses.0.arms.3.dose.amount": "2",
        "hypotheses.0.arms.3.dose.unit": "minute",
        "hypotheses.0.arms.3.dose.kind": "change",
        "recording": "none",
        "sharing": "some",
        "shared_capacity.0": "agents",
        "planned_size.units": "1000",
        "planned_size.per": "arm",
        "equal_looks": "4",
        "meets": "event",
        "exposure.event": "page_seen",
    }


def test_an_experiment_is_planned_and_taken_to_its_end(editor, client) -> None:
    on = ground(client)
    made = send(editor, "/experiments/new", plan_of(on), step=7)
    assert made.status_code == 303, made.text
    place = made.headers["location"]
    kept = client.get(f"/v1{place}").json()
    assert [arm["name"] for arm in kept["arms"] if arm["control"]] == ["control"]
    (test,) = kept["hypotheses"]
    assert [(role["role"], role["arm"]) for role in test["arms"]] == [
        ("placebo", "placebo"),
        ("treatment", "prefilled"),
    ]
    assert kept["records_differently"] == []
    assert kept["shared_capacity"] == ["agents"]
    assert kept["exposure"] == {"event": "page_seen", "where": []}
    assert kept["analysis"]["looks"]["fractions"] == [0.25, 0.5, 0.75, 1.0]
    for step, state in (
        ("approve", "approved"),
        ("start", "running"),
        ("stop", "stopped"),
        ("conclude", "concluded"),
    ):
        page = editor.get(place).text
        assert f'action="{place}/steps/{step}"' in page
        revision = re.search(r'name="revision" value="(\d+)"', page)
        assert revision is not None
        sent = {"form_token": token(editor), "revision": revision[1]}
        assert editor.post(f"{place}/steps/{step}", data={**sent, "form_token": "0" * 64}).status_code == 403
        assert editor.post(f"{place}/steps/{step}", data=sent).status_code == 303
        assert client.get(f"/v1{place}").json()["state"] == state
    assert editor.post(f"{place}/steps/start", data=sent).status_code in (409, 412)
    asked = editor.post(f"{place}/runs", data={"form_token": token(editor)})
    assert asked.status_code == 303
    run = editor.get(asked.headers["location"])
    assert run.status_code == 200
    assert "queued" in run.text
    stopped = editor.post(f"{asked.headers['location']}/cancel", data={"form_token": token(editor)})
    assert stopped.headers["location"] == asked.headers["location"]
    assert client.get(f"/v1{asked.headers['location']}").json()["state"] == "cancelled"


def test_a_plan_edited_without_a_change_stays_what_it_was(editor, client) -> None:
    on = ground(client)
    place = send(editor, "/experiments/new", plan_of(on)).headers["location"]
    before = client.get(f"/v1{place}").json()
    page = editor.get(f"{place}/edit").text
    again = everything(editor, f"{place}/edit", page)
    assert send(editor, f"{place}/edit", again).status_code == 303
    after = client.get(f"/v1{place}").json()
    assert {name: after[name] for name in before} == before
    stale = send(editor, f"{place}/edit", again)
    assert stale.status_code == 412


def test_a_plan_says_what_it_lacks_where_it_is_typed(editor, client) -> None:
    on = ground(client)
    typed = {name: text for name, text in plan_of(on).items() if name != "recording"}
    answer = send(editor, "/experiments/new", typed | {"hypotheses.0.arms.3.dose.amount": "two"}, step=7)
    assert answer.status_code == 422
    assert 'name="step" value="3"' in answer.text
    assert re.search(r'id="f-hypotheses-0-arms-3-dose-amount"[^>]*aria-invalid="true"', answer.text)
    answer = send(editor, "/experiments/new", typed, step=7)
    assert 'name="step" value="5"' in answer.text
    assert "This is needed." in answer.text
    assert send(editor, "/experiments/new", plan_of(on) | {"equal_looks": "no"}, step=6).status_code == 422


def test_another_team_s_experiment_gets_no_buttons(editor, other_team_client, client) -> None:
    on = ground(client)
    theirs = other_team_client.post("/v1/experiments", json=plan(on)).json()["id"]
    page = editor.get(f"/experiments/{theirs}").text
    assert "/steps/" not in page
    sent = {"form_token": token(editor), "revision": "1"}
    assert editor.post(f"/experiments/{theirs}/steps/approve", data=sent).status_code == 403
    assert editor.post(f"/experiments/{theirs}/runs", data=sent).status_code == 403


def test_weights_change_while_it_runs(editor, client) -> None:
    place = f"/experiments/{started(client, plan(ground(client)))}"
    revision = re.search(r'name="revision" value="(\d+)"', editor.get(place).text)
    assert revision is not None
    sent = {
        "form_token": token(editor),
        "revision": revision[1],
        "weight.0": "1",
        "weight.1": "1",
        "weight.2": "2",
    }
    assert editor.post(f"{place}/phases", data=sent).status_code == 303
    assert client.get(f"/v1{place}").json()["phases"][1]["weights"] == {
        "control": 1,
        "placebo": 1,
        "prefilled": 2,
    }


def test_a_weight_left_empty_stays_the_arm_s_own(editor, client) -> None:
    place = f"/experiments/{started(client, plan(ground(client)))}"
    before = client.get(f"/v1{place}").json()["phases"][0]["weights"]
    revision = re.search(r'name="revision" value="(\d+)"', editor.get(place).text)
    assert revision is not None
    sent = {"form_token": token(editor), "revision": revision[1], "weight.0": "", "weight.1": "0,25"}
    assert editor.post(f"{place}/phases", data=sent).status_code == 303
    after = client.get(f"/v1{place}").json()["phases"][1]["weights"]
    assert after == before | {"placebo": 0.25}
