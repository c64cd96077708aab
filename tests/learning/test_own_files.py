"""The user's own files of any kind: what they may be called, renamed and deleted with their cards, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.learning.own_files import OwnFolder
from app.records import UserError

VARIABLE = "CORRESPONDENCE_EXPLORER_THINGS"
ONE_SENTENCE = r"^[^\n]+\.$"


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFolder:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "things"))
    folder = OwnFolder("thing", VARIABLE, ".bin")
    folder.made()
    write(folder.file("mine"))
    return folder


def write(path: Path) -> None:
    path.write_bytes(b"weights")
    path.with_suffix(".json").write_text("{}", encoding="utf-8")


def there(folder: OwnFolder) -> list[str]:
    return sorted(file.name for file in folder.path.iterdir())


def test_that_file_and_card_get_the_new_name_together(things: OwnFolder) -> None:
    things.rename("mine", "v1.2 b", things.stems(), write)
    assert there(things) == ["v1.2 b.bin", "v1.2 b.json"]
    things.rename("v1.2 b", "yours", things.stems(), write)
    assert there(things) == ["yours.bin", "yours.json"]


@pytest.mark.parametrize("name", ["mine", "Mine", "MINE"])
def test_that_a_name_that_differs_in_capitals_only_is_taken(things: OwnFolder, name: str) -> None:
    with pytest.raises(UserError, match="There is a thing mine already; choose another name"):
        things.rename("mine", name, things.stems(), write)
    assert there(things) == ["mine.bin", "mine.json"]


@pytest.mark.parametrize("name", ["", " ", "../up", "a/b", ".hidden", "x" * 81])
def test_that_no_plain_file_name_is_refused(things: OwnFolder, name: str) -> None:
    with pytest.raises(UserError, match="cannot be a thing's name"):
        things.rename("mine", name, things.stems(), write)
    assert there(things) == ["mine.bin", "mine.json"]


def test_that_a_copy_that_cannot_be_written_leaves_everything_as_it_was(things: OwnFolder) -> None:
    def half(path: Path) -> None:
        path.write_bytes(b"weights")
        raise UserError(f"Cannot write {path.with_suffix('.json')}: No space left on device.")

    with pytest.raises(UserError, match="No space left"):
        things.rename("mine", "yours", things.stems(), half)
    assert there(things) == ["mine.bin", "mine.json"]


def test_that_an_old_name_that_cannot_be_deleted_is_told_and_nothing_is_lost(
    things: OwnFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(UserError, match=ONE_SENTENCE) as told:
        things.delete("mine")
    assert "Cannot delete" in str(told.value)
    assert "mine.bin: Permission denied" in str(told.value)
    assert there(things) == ["mine.bin", "mine.json"]
    with pytest.raises(UserError, match="Cannot delete"):
        things.rename("mine", "yours", things.stems(), write)
    assert there(things) == ["mine.bin", "mine.json", "yours.bin", "yours.json"]


def test_that_deleting_takes_the_card_and_what_is_gone_is_told(things: OwnFolder) -> None:
    things.delete("mine")
    assert there(things) == []
    with pytest.raises(UserError, match=r"^The thing mine is no longer there\.$"):
        things.delete("mine")
