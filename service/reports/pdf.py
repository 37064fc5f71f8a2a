"""How does a report become a PDF? From its HTML, by a library that wants Pango from the system."""

from dataclasses import dataclass
from typing import Any


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
    return bytes(weasyprint.HTML(string=page, url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
    """Nothing is fetched, from nowhere."""
    raise ValueError(f"a report fetches nothing, got {url[:80]}")
