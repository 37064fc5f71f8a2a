"""Ids are unique and sort by the time they were made."""

import time

from service.kit.ids import new_id


def test_ids_of_one_process_sort_in_the_order_they_were_made() -> None:
    made = [new_id("met") for _ in range(2000)]
    time.sleep(0.002)
    made.append(new_id("met"))
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_carries_its_prefix_and_26_characters() -> None:
    prefix, _, rest = new_id("hyp").partition("_")
    assert (prefix, len(rest)) == ("hyp", 26)


def test_a_clock_that_goes_back_repeats_no_id(monkeypatch) -> None:
    first = new_id("run")
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert new_id("run") > first
