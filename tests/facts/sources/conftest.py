"""Settings under which sources can be read: a folder of files, and the hosts that a test allows."""

import pytest


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def reaching(settings, files):
    return settings.model_copy(update={"source_files": files})
