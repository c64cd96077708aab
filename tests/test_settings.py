"""Settings: one declaration for form, command line and files."""

from __future__ import annotations

import errno
import stat
from dataclasses import FrozenInstanceError, dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records import UserError
from app.settings import (
    Settings,
    atomic_path,
    atomic_text,
    choice,
    fields_of,
    flag,
    from_json,
    load_json,
    named,
    number,
    parse_assignments,
    save_json,
    to_json,
    with_value,
)


@dataclass(frozen=True)
class Sample(Settings):
    count: int = number(100, 0, 5000, 10, label="Points", help="How many.", zero_means="all")
    ratio: float = number(0.8, 0.0, 1.0, 0.01, label="Ratio", help="First over second.")
    model: str = choice("none", {"none": "None", "homography": "Homography"}, label="Model", help="What to fit.")
    mutual: bool = flag(True, label="Mutual", help="Both ways.")


def test_that_fields_are_listed_in_order_with_their_names() -> None:
    assert [spec.name for spec in fields_of(Sample)] == ["count", "ratio", "model", "mutual"]
    assert fields_of(Sample)[0].integer
    assert not fields_of(Sample)[1].integer


def test_that_settings_are_frozen_and_hashable() -> None:
    assert hash(Sample()) == hash(Sample())
    with pytest.raises(FrozenInstanceError):
        Sample().count = 3  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("count", "2.5", "whole number"),
        ("count", "-1", "0 to 5000"),
        ("ratio", "nan", "out of range"),
        ("ratio", "much", "not a number"),
        ("model", "sphere", "none, homography"),
        ("mutual", "perhaps", "true or false"),
        ("size", "1", "count, ratio, model, mutual"),
    ],
)
def test_that_a_bad_value_is_refused_with_a_sentence(name: str, value: str, part: str) -> None:
    with pytest.raises(UserError, match=part):
        with_value(Sample(), name, value)


@given(
    count=st.integers(0, 5000),
    ratio=st.floats(0, 1),
    model=st.sampled_from(["none", "homography"]),
    mutual=st.booleans(),
)
def test_that_json_and_text_round_trip(count: int, ratio: float, model: str, mutual: bool) -> None:
    settings = Sample(count, ratio, model, mutual)
    assert from_json(Sample, to_json(settings)) == settings
    by_text = Sample()
    for name, value in to_json(settings).items():
        by_text = with_value(by_text, name, str(value))
    assert by_text == settings


def test_that_unknown_and_bad_entries_of_a_file_fall_back_to_defaults_with_a_message() -> None:
    said: list[str] = []
    settings = from_json(Sample, {"count": 7, "ratio": "wide", "colour": 1}, said.append)
    assert settings == Sample(count=7)
    assert len(said) == 1
    assert "ratio" in said[0]


def test_that_json_files_are_checked_on_reading(tmp_path: Path) -> None:
    path = tmp_path / "ä state.json"
    save_json(path, "a state", {"x": 1})
    assert load_json(path, "a state")["x"] == 1
    with pytest.raises(UserError, match="does not hold a lecture"):
        load_json(path, "a lecture")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="not valid JSON"):
        load_json(path, "a state")
    path.write_text('{"kind": "a state", "version": 99}', encoding="utf-8")
    with pytest.raises(UserError, match="newer version"):
        load_json(path, "a state")
    with pytest.raises(UserError, match="Cannot read"):
        load_json(tmp_path / "absent.json", "a state")


def test_that_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with atomic_text(path) as stream:
            stream.write("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        write_half()
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_that_a_written_file_has_ordinary_permissions(tmp_path: Path) -> None:
    with atomic_text(tmp_path / "a.txt") as stream:
        stream.write("x")
    (tmp_path / "b.txt").write_text("x", encoding="utf-8")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == stat.S_IMODE((tmp_path / "b.txt").stat().st_mode)


def test_that_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"), atomic_path(tmp_path / "no" / "out.csv"):
        pass


@pytest.mark.parametrize("item", ["ratio=0.8", "match.ratio", "=3", "match.=3"])
def test_that_an_assignment_of_another_form_is_refused(item: str) -> None:
    with pytest.raises(UserError, match=r"match\.ratio=0\.8"):
        parse_assignments([item])


def test_that_assignments_are_split() -> None:
    assert parse_assignments(["match.ratio = 0.7", "verify.model=none"]) == [
        ("match", "ratio", "0.7"),
        ("verify", "model", "none"),
    ]


def test_that_settings_outlive_what_they_name_but_nothing_new_can_name_it() -> None:
    there = {"one": "One", "mine": "Mine"}

    @dataclass(frozen=True)
    class Naming(Settings):
        model: str = named(lambda: there, suffix=".model", label="Model", help="Which.")
        count: int = number(1, 1, 9, 1, label="Count", help="How many.")

    kept = Naming(model="mine")
    assert Naming().model == "one"
    del there["mine"]
    assert with_value(kept, "count", 3) == replace(kept, count=3)
    assert replace(kept, count=3).model == "mine"
    with pytest.raises(UserError, match="'mine' is not known"):
        with_value(kept, "model", "mine")
    said: list[str] = []
    assert from_json(Naming, {"model": "mine", "count": 4}, said.append) == Naming(count=4)
    assert len(said) == 1
    with pytest.raises(UserError, match="model"):
        Naming(model=3)  # type: ignore[arg-type]
