"""One worker in a process of its own, for tests that kill it: run_a_worker.py JOB SETTINGS-JSON."""

import signal
import sys
from threading import Event

import run_jobs

from service.kit.database import Database
from service.runs.loop import worker
from service.settings import Settings


def main() -> None:
    signal.alarm(60)  # a test that forgets us does not leave us behind
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings.model_validate_json(sys.argv[2])
    jobs = run_jobs.jobs(getattr(run_jobs, sys.argv[1]))
    worker(settings, Database.open(settings.url), jobs, stop).work()


if __name__ == "__main__":
    main()
