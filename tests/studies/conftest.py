"""A company with facts that nobody randomised."""

import pytest

from tests.evidence.company import Company
from tests.studies.market import summed


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings, wait=summed("waited"), spending=summed("spent"))
