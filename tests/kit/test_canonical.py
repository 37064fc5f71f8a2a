"""One JSON value, one text: a hash over it means something."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit.canonical import canonical_json, sha256_hex

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(documents)
def test_the_text_reads_back_as_the_value(document: object) -> None:
    assert json.loads(canonical_json(document)) == document


@given(st.dictionaries(st.text(), documents))
def test_the_order_of_keys_does_not_matter(document: dict) -> None:
    assert canonical_json(dict(reversed(document.items()))) == canonical_json(document)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": [number]})


def test_the_hash_is_that_of_the_utf8_text() -> None:
    assert sha256_hex("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
