"""What did other companies find worth having? Metrics and pairs to start from; none of it is evidence."""

from fastapi import Request, Response

from service.hypotheses import templates as pairs
from service.metrics import templates as metrics
from service.web.rendering import page
from service.web.route import pages

library = pages()


@library.get("/library")
def library_page(request: Request) -> Response:
    named = {one.slug: one.metric.name for one in metrics.templates()}
    return page(
        request, "registry/library.html", templates=metrics.templates(), pairs=pairs.templates(), named=named
    )
