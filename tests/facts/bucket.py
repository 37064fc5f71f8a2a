"""An S3 server of the tests' own, on a loopback port; it ends when whoever started it does."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parents[2] / ".venv" / "clients" / "bin" / "python"
BUCKET = "facts"
_PATIENCE = 60  # seconds
# The end of the pipe is held by the tests: however they end, the server reads its end and goes.
_PROGRAM = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """The environment in which s3://facts is an empty bucket of this server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(SERVER), "-c", _PROGRAM, str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, env={"PATH": os.environ["PATH"]}, **quiet
    ) as server:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        _make_bucket(address)
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "not a secret",
        }
        server.stdin.close()


def _wait_for(address: str) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/moto-api/data.json", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"expected an S3 server at {address} within {_PATIENCE} s")


def _make_bucket(address: str) -> None:
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}
    request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT", headers=signed)
    urllib.request.urlopen(request, timeout=5).close()
