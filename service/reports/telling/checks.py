"""What are the checks of an experiment, and the reasons to leave a unit out, called by people?"""

from collections.abc import Iterable, Mapping

from service.kit.words import Words


def check_name(words: Words, name: str) -> str:
    """A name in words; one that came later than this list is told by its code."""
    return _names(words).get(name, name.replace("_", " "))


def distrusted(words: Words, codes: Iterable[str]) -> bool:
    """Whether a verdict's reasons, by their codes, hold a check: one that gates forbids to read a size."""
    return any(code in _names(words) for code in codes)


def _names(words: Words) -> Mapping[str, str]:
    _ = words.gettext
    return {
        "srm": _("Sample ratio"),
        "sequential_srm": _("Sample ratio at every look"),
        "srm_by_day": _("Sample ratio by day"),
        "srm_by_segment": _("Sample ratio by segment"),
        "multiple_exposure": _("Units seen in several arms"),
        "recording_changed": _("Recording changed by an arm"),
        "numbers_read": _("Numbers where metrics read them"),
        "interference_possible": _("Units that influence each other"),
        "clusters": _("Analysed as randomised"),
        "kpi_up_cpi_down": _("KPI up while a CPI is down"),
        "outlier_influence": _("Weight of the largest units"),
        "first_stage": _("Arms moved the CPI"),
        "novelty": _("Effects that fade"),
        "weekday_drift": _("Effects that differ by weekday"),
        "covariate_balance": _("Balance before exposure"),
        "observed_set_moved": _("For whom a metric is seen"),
    }


def left_out_name(words: Words, state: str) -> str:
    """Why units are not analysed; a reason that came later than this list is told by its code."""
    _ = words.gettext
    names = {
        "unassigned": _("never assigned to it"),
        "multiple_arms": _("seen in several arms"),
        "merged_across_arms": _("one customer, ids in several arms"),
        "unknown_arm": _("in an arm that was not planned"),
        "unknown_phase": _("in a phase that was not planned"),
        "not_exposed": _("never met the difference"),
        "outside_dates": _("came before the start or after the stop"),
        "window_open": _("not yet seen for long enough"),
    }
    return names.get(state, state.replace("_", " "))
