"""Where are style sheets and scripts? Under an address that names their content, to be kept for ever."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from service.kit.errors import NotFound

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
assets = APIRouter(include_in_schema=False)


@cache
def _files() -> dict[str, tuple[str, bytes]]:
    """By the name under which each is served: its kind and its content."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        content = path.read_bytes()
        name = f"{path.stem}.{sha256(content).hexdigest()[:16]}{path.suffix}"
        found[name] = (KINDS[path.suffix], content)
    return found


@cache
def address(name: str) -> str:
    """Where a file of the folder is served today."""
    stem, suffix = name.rsplit(".", 1)
    return "/static/" + next(n for n in _files() if n.startswith(f"{stem}.") and n.endswith(f".{suffix}"))


@assets.get("/static/{name}")
async def static_file(name: str) -> Response:
    found = _files().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    kind, content = found
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=kind, headers=headers)
