"""How does a report become a notebook? It holds the bundle, and computes the numbers anew from it alone."""

import json
import zlib
from base64 import b64encode

from pydantic import JsonValue

from service.kit.words import Words
from service.reports.content import Document, Heading, Paragraph, Tone
from service.reports.kinds import ReportKind
from service.reports.markdown import escaped
from service.reports.words import inert

_OPEN = """\
import json
import zlib
from base64 import b64decode
from hashlib import sha256

text = zlib.decompress(b64decode(packed)).decode()
assert sha256(text.encode()).hexdigest() == "{sha256}", "this is not the bundle of the report"
bundle = json.loads(text)"""

_COMPARE = """\
from math import isclose


def numbers(value, at=""):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield at, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(one, f"{at}/{key}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from numbers(one, f"{at}/{i}")


def compared(name, kept, again):
    kept, again = dict(numbers(kept)), dict(numbers(again))
    far = [
        at
        for at in kept
        if at not in again or not isclose(kept[at], again[at], rel_tol=1e-9, abs_tol=1e-12)
    ]
    same = sum(at in again and kept[at] == again[at] for at in kept)
    assert not far, f"{name}: {len(far)} of {len(kept)} numbers differ, such as {far[0]}"
    print(f"{name}: {len(kept)} numbers made again, {same} of them digit for digit")"""

_EFFECTS = """\
from analyses import Estimate, Interval, anytime, effects_again

result = bundle["run"]["result"]
if result.get("inputs"):
    again = effects_again(result["inputs"])
    kept = [{key: one[key] for key in new} for one, new in zip(result["effects"], again, strict=True)]
    compared("effects", kept, again)
else:
    # Before the planned end, or where a plan is too large, moments are not kept: only what holds at any look
    # is published, and it follows from the effect and its error.
    for effect in result["effects"]:
        for view in (effect, effect.get("adjusted") or {}):
            shown = view.get("anytime") or {}
            if shown.get("estimate") is None:
                continue
            found = anytime(
                Estimate(
                    value=shown["estimate"],
                    std_error=shown["std_error"],
                    interval=Interval(lower=None, upper=None),
                    p_value=1.0,
                ),
                units=shown["units"],
                planned_units=shown["planned_units"],
                alpha=result["analysis"]["alpha"],
            )
            ends = [found.interval.lower, found.interval.upper]
            name = result["names"].get(effect["metric"], effect["metric"])
            compared(f"{effect['arm']} on {name}", shown["interval"], ends)"""

_VERDICTS = """\
from analyses import as_json, contrasts_again, judge, rule_again

for finding in result["hypotheses"]:
    judged, rule = finding.get("judgement"), bundle["rules"].get(finding["hypothesis_id"])
    if judged is None or rule is None:
        continue
    others = bundle["others"].get(finding["hypothesis_id"], [])
    contrasts = {part["run_id"]: part["contrasts"] for part in others}
    contrasts[bundle["run"]["id"]] = finding["contrasts"]
    used = [contrasts_again(contrasts[one["run_id"]]) for one in judged["experiments"] if one["used"]]
    if used:
        alpha = judged["look"]["alpha"] if judged.get("look") else rule["alpha"]
        found = as_json(judge(rule_again(rule, alpha), used))
        kept = {key: one for key, one in judged["relationship"].items() if key in found["relationship"]}
        compared("relationship", kept, found["relationship"])
        compared("slope", judged["verdict"]["slope"], found["verdict"]["slope"])"""

_LEVER = """\
from analyses import Discovery, as_json, contrasts_again, discovery, judge, rule_again

verdict = bundle["verdict"]
used = [contrasts_again(part["contrasts"]) for part in bundle["evidence"] if part["used"]]
if verdict is None or not used:
    print("no verdict rests on anything yet")
else:
    alpha = verdict["alpha"]
    found = as_json(judge(rule_again(verdict["rule"], alpha), used))
    kept = {key: one for key, one in verdict["relationship"].items() if key in found["relationship"]}
    compared("relationship", kept, found["relationship"])
    compared("slope", verdict["slope"], found["verdict"]["slope"])
    chance, look = verdict["false_discovery"] or {}, verdict["look"]
    # After an amendment both versions of the claim had to agree, and the bundle holds the newer one alone.
    if "p_value" in chance and look and not bundle["hypothesis"]["amendments"]:
        alone = discovery(rule_again(verdict["rule"], alpha), used)
        paid = look["number"] * (look["number"] + 1)
        p_value = min(1.0, paid * alone.p_value) if isinstance(alone, Discovery) else 1.0
        compared("chance", [chance["p_value"]], [p_value])"""

_BOARD = """\
counted = {state: sum(one["state"] == state for one in bundle["levers"]) for state in bundle["standings"]}
compared("standings", bundle["standings"], counted)"""

_CHANCE = """\
from analyses import Discovery, false_discoveries

told = {
    one["hypothesis_id"]: one
    for one in bundle["levers"]
    if (one["false_discovery"] or {}).get("p_value") is not None
}
found = false_discoveries(
    {
        key: Discovery(p_value=one["false_discovery"]["p_value"], log_e_value=one["log_e_value"])
        for key, one in told.items()
    }
)
names = ("share", "share_positive", "share_anytime")
kept = {key: [one["false_discovery"][name] for name in names] for key, one in told.items()}
again = {key: [one.any_dependence, one.positive_dependence, one.anytime] for key, one in found.items()}
compared("false ones expected", kept, again)"""

_STEPS = {
    ReportKind.EXPERIMENT: (_COMPARE, _EFFECTS, _VERDICTS),
    ReportKind.LEVER: (_COMPARE, _LEVER),
    ReportKind.BOARD: (_COMPARE, _BOARD, _CHANCE),
}


def notebook(document: Document, kind: ReportKind, bundle_text: str) -> str:
    """A notebook of format 4.5; it needs the package `analyses`, and no network."""
    packed = b64encode(zlib.compress(bundle_text.encode(), 9)).decode()
    words = Words.of(document.language)
    parts = [_words(_told(document, words)), _code(f'packed = "{packed}"', hidden=True)]
    parts += [_code(_OPEN.format(sha256=document.sha256)), *map(_code, _STEPS[kind])]
    cells = [{**part, "id": f"cell-{n}"} for n, part in enumerate(parts)]
    return json.dumps(
        {
            "cells": cells,
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
        sort_keys=True,
    )


def _told(document: Document, words: Words) -> str:
    """Title, questions and answers; then what this notebook is for."""
    lines = [f"# {escaped(document.title)}", escaped(document.lead)]
    for block in document.blocks:
        if isinstance(block, Paragraph) and block.tone in (Tone.PLAIN, Tone.ANSWER):
            lines.append(escaped(block.text))
        if isinstance(block, Heading) and len(lines) > 3:
            break
    what = words.gettext(
        "The cells below unpack the bundle that this report was made of, compute its numbers anew with the "
        "package analyses, and stop with an error where one differs."
    )
    return inert("\n\n".join([*lines, escaped(what)]))


def _words(text: str) -> dict[str, JsonValue]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str, *, hidden: bool = False) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {"jupyter": {"source_hidden": True}} if hidden else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": text,
    }
