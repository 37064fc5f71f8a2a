"""What does an exploration's page show: how predicted effects stand up to units that no model has seen?"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from service.charts.chart import Chart
from service.charts.slopes import Line, forest_chart
from service.explorations.schemas import CalibrationDocument, ExploredDocument
from service.kit.words import Words


def words_of_line(words: Words) -> Callable[[Line], str]:
    """One line of a chart as text; an interval that nobody kept is left out."""

    def told(one: Line) -> str:
        estimate = f"{one.name}: {words.number(one.estimate, signed=True)}"
        known = one.low is not None or one.high is not None
        return f"{estimate} ({words.number(one.low)} – {words.number(one.high)})" if known else estimate

    return told


def groups_chart(words: Words, found: ExploredDocument) -> Chart | None:
    """The effect in groups of units that each model predicted alike; none where no model was calibrated."""
    lines = list(_groups(words, found))
    if len(lines) < 2:
        return None
    _ = words.gettext
    alt = "; ".join(map(words_of_line(words), lines))
    title = _("The effect on the KPI, by the effect that was predicted")
    drawn = forest_chart(words, title=title, alt=alt, unit=_("effect on the KPI"), smallest=0.0, lines=lines)
    return replace(drawn, columns=(_("Units"), _("Model"), _("Effect"), _("From"), _("To")))


def _groups(words: Words, found: ExploredDocument) -> Iterator[Line]:
    """The last model's, which may bend where the first is straight."""
    calibrated = [
        (one.method, one.calibration.groups)
        for one in found.models
        if isinstance(one.calibration, CalibrationDocument)
    ]
    for method, groups in calibrated[-1:]:
        for place, group in enumerate(groups, start=1):
            low, high = group.effect.interval
            name = words.gettext("group %(place)s, predicted %(predicted)s") % {
                "place": place,
                "predicted": words.number(group.predicted, signed=True),
            }
            yield Line(name=name, kind=method, estimate=group.effect.value, low=low, high=high)
