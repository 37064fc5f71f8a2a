"""How long does a report of one experiment take, in each of its steps?

    python -m tests.bench.report

A company of this process's own with a proven lever (seed as in tests/evidence/company.py); the report is made
as a worker's child makes it, in a fresh process each round, libraries and all.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from fastapi.testclient import TestClient

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.kit import schema
from service.kit.database import Database
from service.settings import Settings
from tests.evidence.company import TWO_MECHANISMS, Company

GOAL = 3.0  # seconds
ROUNDS = 5
STORY = """
import json, sys, time
from pathlib import Path
import service.worker  # what the forkserver has loaded before
from service.kit.database import Database
from service.reports import keeping
from service.reports.assembling import experiment_bundle
from service.reports.making import made
from service.settings import Settings

settings = Settings(data_dir=Path(sys.argv[1]))
wall, cpu = time.perf_counter(), time.process_time()
database = Database.open(settings.url)
with database.read() as session:
    bundle = experiment_bundle(session, sys.argv[2])
read = time.perf_counter()
first = made(bundle, "en")
written = time.perf_counter()
keeping.keep(database, bundle, first)
end = time.perf_counter()
used = time.process_time() - cpu
again = time.perf_counter()
made(bundle, "en")
print(json.dumps({"wall": end - wall, "cpu": used, "reading": read - wall, "writing": written - read,
                  "keeping": end - written, "writing once warm": time.perf_counter() - again}))
"""


def measured(folder: Path, experiment: str) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STORY, str(folder), experiment],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(data_dir=Path(place))
        database = Database.open(settings.url)
        schema.upgrade(database)
        with database.write() as session:
            _, key = create_key(session, owner="bench", team="growth", role=Role.editor)
        database.close()
        with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
            company = Company(client=client, settings=settings)
            experiment = company.experiment([company.hypothesis()], TWO_MECHANISMS)
            company.finish(experiment)
        rounds = [measured(Path(place), experiment) for _ in range(ROUNDS)]
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        print(f"{name}: median {median(values):.2f} s, best {min(values):.2f} s")
    print(f"goal: at most {GOAL:.0f} s")


if __name__ == "__main__":
    main()
