"""A company of its own for each test."""

import pytest

from tests.evidence.company import Company


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)
