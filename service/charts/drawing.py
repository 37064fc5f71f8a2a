"""How does a chart become a picture? A page wants it, a worker draws it once, every later page shows it.

Drawing takes a library that the API process must not load, so the first page to want a chart shows its
numbers, and its drawing from the next look on.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.charts.chart import Chart, Theme, themed
from service.charts.tables import Drawing
from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import NotFound

KEPT = timedelta(days=90)
AT_ONCE = 20


class DrawingNotFound(NotFound):
    slug, title = "drawing-not-found", "Nobody wanted this chart, or it is still being drawn"


def pictured(database: Database, session: Session, charts: Iterable[Chart]) -> list[tuple[Chart, bool]]:
    """Each chart, and whether its picture is there; those that nobody wanted before are wanted from now on.

    Wanted in transactions of their own, since a page only reads: ``session`` must not be one that writes.
    """
    hashed = [(chart.sha256, chart) for chart in charts]
    named = dict(hashed)
    query = select(Drawing.sha256, Drawing.drawn_at.is_not(None)).where(Drawing.sha256.in_(named))
    known = dict(session.execute(query).all())
    for sha256 in named.keys() - known.keys():
        # Two pages may want the same chart at the same moment: one of them does.
        with suppress(IntegrityError), database.write() as writing:
            writing.add(Drawing(sha256=sha256, spec=named[sha256].spec, wanted_at=now()))
    return [(chart, known.get(sha256, False)) for sha256, chart in hashed]


def picture(session: Session, sha256: str, theme: Theme) -> str:
    """The drawing as SVG."""
    row = session.get(Drawing, sha256)
    if row is None or row.light is None or row.dark is None:
        raise DrawingNotFound("The numbers are on the page that names it.")
    return row.light if theme is Theme.LIGHT else row.dark


def specification(session: Session, sha256: str) -> dict[str, Any]:
    """For the script that draws it in the browser."""
    row = session.get(Drawing, sha256)
    if row is None:
        raise DrawingNotFound("The numbers are on the page that names it.")
    return row.spec


def any_wanted(database: Database) -> bool:
    """Whether a chart waits to be drawn."""
    with database.read() as session:
        return session.scalar(select(Drawing.sha256).where(Drawing.drawn_at.is_(None)).limit(1)) is not None


def draw_wanted(database: Database) -> int:
    """Draw what waits, some at once, and clear away what is old; how many were drawn. A worker's work."""
    with database.read() as session:
        waiting = session.execute(
            select(Drawing.sha256, Drawing.spec)
            .where(Drawing.drawn_at.is_(None))
            .order_by(Drawing.wanted_at)
            .limit(AT_ONCE)
        ).all()
    made = {sha256: {theme: svg(themed(spec, theme)) for theme in Theme} for sha256, spec in waiting}
    with database.write() as session:
        for sha256, pictures in made.items():
            row = session.get(Drawing, sha256)
            if row is not None:
                row.light, row.dark, row.drawn_at = pictures[Theme.LIGHT], pictures[Theme.DARK], now()
        session.execute(delete(Drawing).where(Drawing.wanted_at < now() - KEPT))
    return len(made)


def svg(specification: Mapping[str, Any]) -> str:
    """Vega-Lite's own drawing, without a browser and without fetching anything."""
    import vl_convert  # noqa: PLC0415 - 84 MB that only a worker needs

    return str(vl_convert.vegalite_to_svg(dict(specification), allowed_base_urls=[]))
