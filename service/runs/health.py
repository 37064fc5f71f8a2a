"""Is anybody there to compute runs? Reported, not required: the API answers without a worker."""

from sqlalchemy.orm import Session

from service.kit.clock import now
from service.kit.health import Readiness
from service.runs.queue import latest_beat


def worker_heartbeat(session: Session) -> Readiness:
    """How long ago a worker last said that it lives."""
    last = latest_beat(session)
    if last is None:
        return Readiness(name="worker", ready=None, detail="no worker runs")
    age = (now() - last).total_seconds()
    return Readiness(name="worker", ready=None, detail=f"last sign of life {age:.0f} s ago")
