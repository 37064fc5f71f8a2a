"""What is on the board at the end, and what never gets onto it as a CPI?"""

from collections.abc import Mapping, Sequence

import msgspec

from analyses import Json
from service.cli.demo import answers
from service.cli.demo.client import Client, Unexpected
from service.cli.demo.narration import Voice

_REFUSED = 422


def refuse_nps(client: Client, voice: Voice) -> None:
    """NPS is what the company wants of its customers: refused as CPI, welcome as KPI."""
    voice.chapter("What counts as a customer outcome?", simulated=None)
    voice.say(
        "A CPI is an outcome that customers say matters to them, in steps that they value. Suppose a team "
        "registers its Net Promoter Score as one."
    )
    templates = client.get("/v1/metrics/templates", tuple[answers.Template, ...])
    voice.call(
        "GET", templates.path, templates.status, f"{len(templates.body)} metrics that others found useful"
    )
    nps = next((one for one in templates.body if one.slug == "nps"), None)
    if nps is None:
        raise Unexpected("There is no template of NPS.")
    draft: Mapping[str, Json] = msgspec.json.decode(nps.metric)
    problem = client.refused("/v1/metrics", {**draft, "kind": "cpi"}, _REFUSED)
    voice.call("POST", "/v1/metrics", problem.status, "NPS as CPI")
    voice.refusal(problem)
    made = client.post("/v1/metrics", draft, answers.Metric)
    voice.call(
        "POST", made.path, made.status, f"KPI “{made.body.name}”: as a result to be moved it is welcome"
    )


def board(client: Client, voice: Voice) -> Sequence[Mapping[str, object]]:
    """Prints the levers; returns each as the API told it, with the reasons of its latest verdict."""
    voice.chapter("The board: which outcomes grow the business?", simulated=None)
    page = client.get("/v1/levers", answers.Page[answers.Lever])
    voice.call("GET", page.path, page.status, f"{len(page.body.items)} levers, the proven ones first")
    voice.levers(page.body.items)
    raw = client.get("/v1/levers", answers.Page[dict[str, object]]).body.items
    return [_with_reasons(client, lever) for lever in raw]


def _with_reasons(client: Client, lever: dict[str, object]) -> Mapping[str, object]:
    path = f"/v1/hypotheses/{lever['hypothesis_id']}/verdict"
    latest = client.get(path, answers.VerdictHistory).body.latest
    if latest is None:
        raise Unexpected(f"{path} holds no verdict.")
    return lever | {
        "reasons": [reason.code for reason in latest.reasons],
        "needed_units_per_arm": latest.needed_units_per_arm,
    }
