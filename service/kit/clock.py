"""What time is it? Asked here and nowhere else, so that a test can hold the clock. How is one said?"""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def instant(value: datetime) -> str:
    """A time within an English sentence, to the minute that it is in.

    >>> from datetime import timedelta, timezone
    >>> instant(datetime(2026, 11, 3, 4, 4, 18, tzinfo=timezone(timedelta(hours=1))))
    '3 November 2026, 03:04 UTC'
    """
    utc = value.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"
