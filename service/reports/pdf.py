"""How does a report become a PDF? From its HTML, by a library that wants Pango from the system."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TEXT = re.compile(r">[^<]+<")
_LONG = re.compile(r"[^\s<>&;]{64}(?=[^\s<>&;])")
_DARK = re.compile(r'<div class="picture dark".*?</div>', re.DOTALL)

type Printer = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a form could not be made here; the others are there all the same."""

    why: str


def printer() -> Printer | Missing:
    """The library, which takes half a second to load; Missing where it, or Pango, is not there."""
    try:
        import weasyprint  # noqa: PLC0415 - of the extra pdf; a worker's to load
    except ImportError:
        return Missing(why="The worker has no WeasyPrint: install leverboard[pdf].")
    except OSError as error:
        return Missing(why=f"The worker's system has no Pango, which WeasyPrint wants: {error}")
    return lambda page: bytes(weasyprint.HTML(string=page, url_fetcher=_nothing).write_pdf())


def pdf(page: str) -> bytes | Missing:
    """The page on paper."""
    found = printer()
    return found if isinstance(found, Missing) else found(on_paper(page))


def on_paper(page: str) -> str:
    """Without what paper never shows, and with places to break inside long words."""
    return breakable(_DARK.sub("", page))


def breakable(page: str) -> str:
    """With places to break inside words of more than 64 characters: laying those out takes minutes else."""
    head, end, body = page.partition("</style>")
    return head + end + _TEXT.sub(lambda text: _LONG.sub("\\g<0>\u200b", text[0]), body)


def _nothing(url: str, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
    """Nothing is fetched, from nowhere."""
    raise ValueError(f"a report fetches nothing, got {url[:80]}")
