"""How does a report become a PDF? From its HTML, by a library that wants Pango from the system."""

import re
from dataclasses import dataclass
from typing import Any

_TEXT = re.compile(r">[^<]+<")
_LONG = re.compile(r"[^\s<>&;]{64}(?=[^\s<>&;])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a form could not be made here; the others are there all the same."""

    why: str


def pdf(page: str) -> bytes | Missing:
    """The page on paper; Missing where the library, or Pango, is not installed with the worker."""
    try:
        import weasyprint  # noqa: PLC0415 - of the extra pdf; a worker's to load
    except ImportError:
        return Missing(why="The worker has no WeasyPrint: install leverboard[pdf].")
    except OSError as error:
        return Missing(why=f"The worker's system has no Pango, which WeasyPrint wants: {error}")
    return bytes(weasyprint.HTML(string=breakable(page), url_fetcher=_nothing).write_pdf())


def breakable(page: str) -> str:
    """With places to break inside words of more than 64 characters: laying those out takes minutes else."""
    head, end, body = page.partition("</style>")
    return head + end + _TEXT.sub(lambda text: _LONG.sub("\\g<0>\u200b", text[0]), body)


def _nothing(url: str, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
    """Nothing is fetched, from nowhere."""
    raise ValueError(f"a report fetches nothing, got {url[:80]}")
