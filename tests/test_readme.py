"""Does what the README shows do what it says?"""

import json
import re
from pathlib import Path

from fastapi.testclient import TestClient

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_request_that_it_shows_registers_a_metric(client: TestClient) -> None:
    shown = re.search(r"curl http://127.0.0.1:8000(\S+) .*? -d '(.*?)'", README, re.DOTALL)
    assert shown
    answer = client.post(shown[1], json=json.loads(shown[2]))
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "Conversion"
