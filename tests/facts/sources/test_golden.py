"""Is the SQL for engines that no test runs the one that was kept? `python -m tests.facts.sources.kept`."""

import pytest
import sqlglot

from tests.facts.sources.kept import CONNECTIONS, FOLDER, written


@pytest.mark.parametrize("engine", CONNECTIONS)
def test_the_sql_is_the_one_that_was_kept(engine):
    text = written(engine)
    assert text == (FOLDER / f"{engine.value}.sql").read_text()
    statements = [one for one in sqlglot.parse(text, dialect=engine.value) if one is not None]
    assert len(statements) == text.count("\n-- ") + 1


@pytest.mark.parametrize("engine", CONNECTIONS)
def test_no_function_of_duckdbs_is_left(engine):
    text = (FOLDER / f"{engine.value}.sql").read_text().upper()
    assert [name for name in ("EPOCH_US(", "JSON_EXTRACT_STRING(") if name in text] == []


def test_the_folder_holds_nothing_else():
    assert {path.stem for path in FOLDER.iterdir()} == {engine.value for engine in CONNECTIONS}
