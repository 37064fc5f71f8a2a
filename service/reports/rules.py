"""Pure: names of files, when a schedule is due next, and how long a failed delivery waits."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from service.reports.kinds import Form, ReportKind

MOST_ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=12)
SHORTEST_EVERY = timedelta(minutes=10)
_SAFE = re.compile(r"[^0-9a-z_-]+")


def file_name(kind: ReportKind, subject: str, sha256: str, form: Form) -> str:
    """Under which name a form is downloaded: letters, digits and dashes, whatever the subject is called.

    >>> file_name(ReportKind.LEVER, "hyp_01", "a1" * 32, Form.HTML)
    'leverboard-lever-hyp_01-a1a1a1a1a1a1.html'
    """
    named = kind.value if kind is ReportKind.BOARD else f"{kind.value}-{_SAFE.sub('', subject)}"
    return f"leverboard-{named}-{sha256[:12]}.{form.value}"


def next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The first moment after this one at which the clock of the zone reads so, in UTC.

    A wall time that the zone skips in spring is taken an hour later; one that it repeats in autumn, once.
    """
    here = after.astimezone(ZoneInfo(zone))
    wall = croniter(cron, here.replace(tzinfo=None)).get_next(datetime)
    found: datetime = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(after.tzinfo)
    if found <= after:  # the repeated hour of autumn: the same wall time once more
        return next_time(cron, zone, after + timedelta(hours=1))
    return found


def pause_after(attempts: int, luck: float) -> timedelta:
    """How long after so many failed attempts the next one waits; ``luck``, from 0 to 1, spreads the crowd.

    5 s, 20 s, 80 s, …, at most 12 hours, each times .5 to 1.5: twelve attempts take about two days.
    """
    plain = min(FIRST_PAUSE * 4.0 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return plain * (0.5 + luck)
