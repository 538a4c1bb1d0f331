"""The table of indexes. MongoDB refuses one that is declared twice, and the server would wait for ever."""

from __future__ import annotations

import pytest

from passport.store.indexes import INDEXES


@pytest.mark.parametrize("collection", INDEXES)
def test_no_index_is_declared_twice(collection: str) -> None:
    names = [index.document["name"] for index in INDEXES[collection]]
    keys = [str(index.document["key"]) for index in INDEXES[collection]]
    assert len(names) == len(set(names))
    assert len(keys) == len(set(keys))


def test_an_index_says_whose_it_is() -> None:
    names = [index.document["name"] for indexes in INDEXES.values() for index in indexes]
    assert len(names) == len(set(names))
