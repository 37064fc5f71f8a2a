"""Where does a page's picture come from? From what a worker drew, by the hash of the chart."""

from typing import Annotated

from fastapi import Path, Response

from service.charts import drawing
from service.charts.chart import Theme, themed
from service.kit.canonical import canonical_json
from service.kit.http import ReadSession
from service.web.route import pages

chart_files = pages()
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@chart_files.get("/charts/{sha256}/{theme}.svg")
def chart_picture(sha256: Sha, theme: Theme, session: ReadSession) -> Response:
    return Response(drawing.picture(session, sha256, theme), media_type="image/svg+xml", headers=FOR_EVER)


@chart_files.get("/charts/{sha256}/{theme}.json")
def chart_specification(sha256: Sha, theme: Theme, session: ReadSession) -> Response:
    """What the script in the page draws anew, so that it can be pointed at."""
    text = canonical_json(themed(drawing.specification(session, sha256), theme))
    return Response(text, media_type="application/json", headers=FOR_EVER)
