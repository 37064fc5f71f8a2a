"""What does somebody see who follows a link that leads nowhere? A page; a program gets a problem."""

from fastapi import Request, Response

from service.kit.errors import NotFound
from service.kit.problems import http_exception
from service.web.rendering import page
from service.web.route import SECURITY_HEADERS


async def nowhere(request: Request, error: Exception) -> Response:
    """A browser names HTML among what it takes; addresses of the API answer as the API does."""
    if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1/"):
        return await http_exception(request, error)
    lost = NotFound("Nothing is at this address; it may have been typed or copied wrongly.")
    response = page(request, "problem.html", status=lost.status, title=lost.title, problem=lost)
    response.headers.update(SECURITY_HEADERS)
    return response
