"""A lever's line on a page: drawn once, and again when it would say something else.

A line is a function of the lever as the API gives it, of what was asked, and of the reader's language, and of
nothing else. Its key is all of that, so that no line is older than what it tells.
"""

from collections.abc import Collection, Mapping, Sequence

from fastapi import Request
from markupsafe import Markup

from service.kit.canonical import sha256_hex
from service.kit.remembered import Remembered
from service.levers.schemas import LeverView
from service.levers.value import Asked
from service.web.lever_words import told
from service.web.rendering import environment, language_of
from service.web.strip import strip

type _Key = tuple[str, str, Asked | None, str]  # template, language, question, and the lever's own hash
_DRAWN: Remembered[_Key, Markup] = Remembered(2000)  # of about 2 KB each


def lines(
    request: Request, template: str, levers: Sequence[LeverView], asked: Asked | None = None
) -> list[Markup]:
    """Each lever as this template tells it, in their order."""
    language = language_of(request)
    keyed: Mapping[_Key, LeverView] = {(template, language, asked, _digest(one)): one for one in levers}

    def draw(missing: Collection[_Key]) -> Mapping[_Key, Markup]:
        return {key: _drawn(template, language, keyed[key], asked) for key in missing}

    known = _DRAWN.all(keyed, draw)
    return [known[key] for key in keyed]


def _digest(lever: LeverView) -> str:
    """Of all that a line could tell: an age in whole days, since it grows with every moment."""
    verdict = lever.verdict
    if verdict is not None:
        whole = verdict.model_copy(update={"age_days": int(verdict.age_days)})
        lever = lever.model_copy(update={"verdict": whole})
    return sha256_hex(lever.model_dump_json())


def _drawn(template: str, language: str, lever: LeverView, asked: Asked | None) -> Markup:
    row = told(lever, asked)
    drawn = environment(language).get_template(template).render(row=row, drawn=strip(row))
    return Markup(drawn)  # noqa: S704 - a template's own, which has escaped every name
