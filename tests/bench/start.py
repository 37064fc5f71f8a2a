"""How long until the API gives its first 200, and how much memory does it hold then?

Starts `leverboard serve --no-worker` several times on a data folder that has its tables; prints medians.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

TIMES = 5
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return response.status == 200
    except URLError:
        return False


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def start_once(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first 200 of /livez, and resident megabytes after /readyz and the OpenAPI document."""
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "serve", "--no-worker", "--port", str(port)]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not answers(f"http://127.0.0.1:{port}/livez"):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"the server did not come up: {process.returncode}")
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        for path in ("readyz", "openapi.json"):
            if not answers(f"http://127.0.0.1:{port}/{path}"):
                raise RuntimeError(f"/{path} did not answer 200")
        megabytes = resident_megabytes(process.pid)
        process.terminate()
    return seconds, megabytes


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LEVERBOARD_DATA_DIR": folder}
        start_once(environment)  # makes the tables and warms the disk
        runs = [start_once(environment) for _ in range(TIMES)]
    print(
        json.dumps(
            {
                "first_200_seconds": round(statistics.median(seconds for seconds, _ in runs), 2),
                "resident_megabytes": round(statistics.median(megabytes for _, megabytes in runs)),
                "times": TIMES,
            }
        )
    )


if __name__ == "__main__":
    main()
