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
def address(name: str) -> str | None:
    """Where a file of the folder is served today; None for one that no set-up has written (vendor.py)."""
    stem, _, suffix = name.rpartition(".")
    served = (one for one in _files() if one.startswith(f"{stem}.") and one.endswith(f".{suffix}"))
    found = next(served, None)
    return None if found is None else f"/static/{found}"


@assets.get("/static/{name}")
async def static_file(name: str) -> Response:
    found = _files().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    kind, content = found
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=kind, headers=headers)
