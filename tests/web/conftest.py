"""A browser that is signed in, without a browser."""

import pytest
from fastapi.testclient import TestClient

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app


@pytest.fixture
def key(database) -> str:
    with database.write() as session:
        return create_key(session, owner="lea@example.com", team="board", role=Role.viewer)[1]


@pytest.fixture
def stranger(settings):
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser(stranger, key):
    answer = stranger.post("/sign-in", data={"key": key})
    assert answer.status_code == 303
    return stranger


@pytest.fixture
def editor(settings, database):
    """Signed in as one of the team that owns things."""
    with database.write() as session:
        key = create_key(session, owner="lea@example.com", team="growth", role=Role.editor)[1]
    with TestClient(create_app(settings), follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"key": key}).status_code == 303
        yield browser
