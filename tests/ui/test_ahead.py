"""What is done ahead of the window: the reading of its first pair."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app import pairs
from app.jobs import Progress, native, run_to_end
from app.records import ImagePair, PairRef
from app.ui.launch import Ahead
from app.ui.session_state import SessionState, Store


def read(ahead: Ahead, ref: PairRef) -> ImagePair:
    """The pair read ahead."""
    reading = ahead.take(ref)
    assert reading is not None
    pair: ImagePair = run_to_end(native(reading, progress=Progress(0, None, "Waiting")))[0]
    return pair


def test_that_the_first_built_in_pair_is_read_where_nothing_was_asked_for() -> None:
    ref = pairs.builtin()[0]
    assert read(Ahead(None), ref).left.id == pairs.load(ref).left.id


def test_that_the_pair_of_the_last_session_is_read_and_rather_the_one_asked_for(tmp_path: Path) -> None:
    store, (asked, last) = Store(tmp_path), pairs.builtin()[1:3]
    store.save(replace(SessionState(), pair=last))
    assert read(Ahead(store), last).ref == last
    assert read(Ahead(store, [asked]), asked).ref == asked


def test_that_a_reading_is_given_once_and_only_for_its_own_pair() -> None:
    first, second = pairs.builtin()[:2]
    ahead = Ahead(None, [first])
    assert ahead.take(second) is None
    assert ahead.take(first) is None, "by then its files may be others"
    ahead = Ahead(None, [first])
    assert ahead.take(first) is not None
    assert ahead.take(first) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "null", json.dumps({"kind": "session", "version": 1, "pair": {"kind": "files"}})]
)
def test_that_a_broken_last_session_gives_the_first_built_in_pair_and_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "session.json").write_text(text, encoding="utf-8")
    ahead, first = Ahead(Store(tmp_path)), pairs.builtin()[0]
    assert read(ahead, first).ref == first
    assert len(ahead.last.complaints) == 1
