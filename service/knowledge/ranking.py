"""Which texts answer a few words best? BM25 over words that begin like them: the same on any database."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

K1, B = 1.2, 0.75  # as Lucene has them
TITLE_COUNTS = 3  # times a word of the body
MOST_WORDS = 16  # of a query
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\u3040-\u30ff]+")
AROUND = 90  # characters on each side of the first word found


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is searched: a title that says most, and the rest."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Where in the sequence it stands, and how well it fits."""

    place: int
    score: float


def words(text: str) -> list[str]:
    """Without case and accents; scripts that put no spaces between words give pairs of characters.

    >>> words("Qualité: 12 % cheaper"), words("客户等待")
    (['qualite', '12', 'cheaper'], ['客户', '户等', '等待'])
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    found = []
    for word in _WORD.findall(unicodedata.normalize("NFC", bare)):
        if _UNSPACED.fullmatch(word) and len(word) > 1:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
        else:
            found.append(word)
    return found


def rank(query: str, texts: Sequence[Text]) -> list[Ranked]:
    """Those that have every word of the query, or a word that begins with it; the best first.

    Reference: Robertson & Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond.
    """
    wanted = list(dict.fromkeys(words(query)))[:MOST_WORDS]
    if not wanted or not texts:
        return []
    counted = [_counted(text) for text in texts]
    lengths = [counts.total() for counts in counted]
    typical = sum(lengths) / len(lengths) or 1.0
    having = [[_times(word, counts) for counts in counted] for word in wanted]
    rare = [_rareness(sum(times > 0 for times in of), len(texts)) for of in having]
    found = []
    for place, length in enumerate(lengths):
        times = [of[place] for of in having]
        if all(times):
            damped = K1 * (1 - B + B * length / typical)
            score = sum(r * n * (K1 + 1) / (n + damped) for r, n in zip(rare, times, strict=True))
            found.append(Ranked(place=place, score=score))
    return sorted(found, key=lambda one: (-one.score, one.place))


def excerpt(query: str, text: Text) -> str:
    """The body around the first word that was looked for; its beginning where that stands in the title."""
    wanted = words(query)
    for match in _WORD.finditer(text.body):
        if any(part.startswith(word) for word in wanted for part in words(match[0])):
            start, end = max(0, match.start() - AROUND), min(len(text.body), match.end() + AROUND)
            shown = text.body[start:end].strip()
            return f"{'…' if start else ''}{shown}{'…' if end < len(text.body) else ''}"
    return text.body[: 2 * AROUND].strip() + ("…" if len(text.body) > 2 * AROUND else "")


@lru_cache(maxsize=20_000)
def _counted(text: Text) -> Counter[str]:
    """Texts rarely change: each is taken apart once."""
    counts = Counter(words(text.body))
    for word in words(text.title):
        counts[word] += TITLE_COUNTS
    return counts


def _times(word: str, counts: Mapping[str, int]) -> float:
    """How often; a word that only begins like it counts for a third."""
    exact = counts.get(word, 0)
    if len(word) < 3:
        return float(exact)
    longer = sum(n for known, n in counts.items() if known.startswith(word)) - exact
    return exact + longer / 3


def _rareness(having: int, of: int) -> float:
    return log(1 + (of - having + 0.5) / (having + 0.5))
