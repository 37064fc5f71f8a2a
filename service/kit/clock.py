"""What time is it? Asked here and nowhere else, so that a test can hold the clock."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
