"""A table of past arms: the same as JSON, or refused by the cell that is wrong."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.evidence.company import Company
from tests.evidence.past import TWO, report

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "past-experiments.csv"
EACH = ("units", "weight", "var_cpi", "cov", "var_kpi")


def table(*reports, **columns) -> list[dict[str, str]]:
    """The reports' arms, a row each."""
    rows = []
    for one in reports:
        shared = {f"control_{name}": repr(one["control"][name]) for name in EACH}
        told = {name: one[name] for name in ("name", "origin", "started_on", "ended_on")}
        for arm in one["arms"]:
            numbers = {name: repr(arm[name]) for name in (*EACH, "cpi_effect", "kpi_effect")}
            words = {"arm": arm["name"], "mechanism": arm["mechanism"] or "", "placebo": str(arm["placebo"])}
            rows.append({"experiment": one["id"], **told, **words, **numbers, **shared, **columns})
    return rows


def written(rows: list[dict[str, str]]) -> str:
    lines = [",".join(rows[0])]
    lines += [",".join(row.values()) for row in rows]
    return "\r\n".join(lines)


def send(company: Company, body: str | bytes, query: str):
    return post(company.client, body, query)


def post(client: TestClient, body: str | bytes, query: str, kind: str = "text/csv; charset=utf-8"):
    return client.post(f"/v1/evidence:import?{query}", content=body, headers={"Content-Type": kind})


def contrasts(company: Company, hypothesis: str) -> list[dict[str, object]]:
    items = company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"]
    return [{**item["contrasts"], "experiment": None} for item in items]


def test_a_table_says_the_same_as_json(company: Company) -> None:
    first, second = company.hypothesis(), company.hypothesis(rationale="The same once more")
    reports = [report("a", TWO), report("b", TWO, slope=-0.4)]
    told = company.client.post(
        "/v1/evidence:import", json={"hypothesis": first, "units_per_day": 40, "experiments": reports}
    )
    sent = send(company, "\ufeff" + written(table(*reports)), f"hypothesis={second}&units_per_day=40")
    assert (told.status_code, sent.status_code) == (201, 201), sent.text
    assert {name: sent.json()[name] for name in ("experiments", "contrasts", "units_per_day")} == {
        "experiments": 2,
        "contrasts": 6,
        "units_per_day": 40,
    }
    assert contrasts(company, second) == contrasts(company, first)


def test_the_example_of_the_readme_is_imported_and_graded(company: Company) -> None:
    hypothesis = company.hypothesis(smallest_slope=0.005)
    answer = send(company, EXAMPLE.read_bytes(), f"hypothesis={hypothesis}")
    assert (answer.status_code, answer.json()["contrasts"]) == (201, 3), answer.text
    company.drain()
    grade = company.client.get(f"/v1/hypotheses/{hypothesis}/retrospective").json()["latest"]
    assert grade["grade"] == "speaks_for"
    assert grade["mechanisms"] == 2
    following = grade["next_experiment"]
    assert [arm["name"] for arm in following["arms"][2:]] == [
        "Prefilled vehicle data",
        "Faster tariff engine",
    ]
    assert following["units_per_day_from"] == "as “Faster tariff engine, winter 2025” had"


def test_moments_have_a_row_for_the_control(company: Company) -> None:
    hypothesis = company.hypothesis()
    body = (
        "experiment,origin,arm,control,units,mean_cpi,mean_kpi,unit_var_cpi,unit_cov,unit_var_kpi,mechanism\n"
        "a,tool,old,true,1000,5,20,1,-0.5,1.25,\n"
        "a,tool,new,false,2000,3,21,1,-0.5,1.25,form\n"
    )
    assert send(company, body, f"hypothesis={hypothesis}").status_code == 201
    (found,) = contrasts(company, hypothesis)
    assert found["effects"] == [[-2, 1]]
    assert found["covariance"][0][0][0] == pytest.approx([0.0015, -0.00075])
    assert (found["control_units"], found["arms"][0]["units"]) == (1000, 2000)


@pytest.mark.parametrize(
    ("column", "cell", "rule"),
    [
        ("var_cpi", "nan", "not_a_number"),
        ("var_cpi", "inf", "not_a_number"),
        ("units", "1_000", "not_a_number"),
        ("units", "20.5", "not_a_number"),
        ("cpi_effect", "0x10", "not_a_number"),
        ("cov", "1e999", "not_a_number"),
        ("placebo", "maybe", "wrong_cell"),
        ("name", "Another name", "wrong_cell"),
        ("control_var_cpi", "9", "wrong_cell"),
        ("kpi_effect", "", "missing"),
        ("started_on", "yesterday", "date_from_datetime_parsing"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_kept(client: TestClient, column, cell, rule) -> None:
    rows = table(report("a", TWO))
    places = rows if column == "started_on" else rows[1:2]
    for row in places:
        row[column] = cell
    answer = post(client, written(rows), "hypothesis=hyp_1")
    assert answer.status_code == 422, answer.text
    assert rule in {error["rule"] for error in answer.json()["errors"]}, answer.text
    assert column.removeprefix("control_") in answer.text
    assert client.get("/v1/evidence/imports").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"", 400, "unreadable-table"),
        (b"experiment,arm", 400, "unreadable-table"),
        (b"\xff\xfe\x00", 400, "unreadable-table"),
        (b'a,"b\n1,2', 400, "unreadable-table"),
        (b"experiment,arm,units,var_cpi\na,b,3\n", 422, "wrong-table"),
        (b"experiment,arm,units,var_cpi,se_cpi\na,b,3,1,1\n", 422, "wrong-table"),
        (b"experiment,arm,arm,units,mean_cpi\na,b,3,1,1\n", 422, "wrong-table"),
        (b"plan,arm\na,b\n", 422, "wrong-table"),
        (b"experiment,arm\n" + b"a,b\n" * 20_001, 400, "unreadable-table"),
        (b'a\n"' + b"x" * 200_000 + b'"\n', 400, "unreadable-table"),
    ],
)
def test_what_is_no_such_table_is_refused(client: TestClient, body, status, slug) -> None:
    answer = post(client, body, "hypothesis=hyp_1")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:leverboard:problem:{slug}")


def test_a_row_with_another_number_of_cells_is_told_by_its_number(client: TestClient) -> None:
    rows = written(table(report("a", TWO))).split("\r\n")
    answer = post(client, "\n".join([*rows[:3], f"{rows[3]},more"]), "hypothesis=hyp_1")
    assert answer.status_code == 400
    assert "Row 3 has another number of cells" in answer.json()["detail"]


def test_a_table_without_origin_takes_that_of_the_request(company: Company) -> None:
    hypothesis = company.hypothesis()
    rows = [{name: cell for name, cell in row.items() if name != "origin"} for row in table(report("a", TWO))]
    assert send(company, written(rows), f"hypothesis={hypothesis}").status_code == 422
    answer = send(company, written(rows), f"hypothesis={hypothesis}&origin=notebook")
    assert answer.status_code == 201, answer.text
    (item,) = company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"]
    assert item["report"]["origin"] == "notebook"


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", ""])
def test_another_kind_of_body_is_refused(client: TestClient, kind) -> None:
    assert post(client, "a", "", kind).status_code == 415


def test_a_packed_body_and_a_large_one_are_refused(client: TestClient) -> None:
    answer = client.post(
        "/v1/evidence:import", content=b"x", headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert post(client, b"a" * (4 * 1024 * 1024 + 1), "").status_code == 413
