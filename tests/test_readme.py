"""The matcher in the README is taken from there, installed as a third party would, and works."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app import matchers, pairs, pipeline
from app.jobs import run_to_end
from app.records import MatchRequest, UserError


def blocks(readme: Path, language: str) -> list[str]:
    """The fenced code blocks of one language under "How to add a matcher"."""
    section = readme.read_text(encoding="utf-8").split("## How to add a matcher", 1)[1].split("\n## ", 1)[0]
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", section, re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


@pytest.fixture
def plug_in(project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The README's file in an installed package with the README's entry point; yields the matcher's key."""
    readme = project_root / "README.md"
    (source,), (entry_point,) = blocks(readme, "python"), blocks(readme, "toml")
    header, line = entry_point.strip().splitlines()
    group = re.fullmatch(r'\[project\.entry-points\."(.+)"\]', header)
    assert group is not None
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "dct.py").write_text(source, encoding="utf-8")
    installed = tmp_path / "my_package-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", encoding="utf-8")
    target = line.replace('"', "")
    (installed / "entry_points.txt").write_text(f"[{group[1]}]\n{target}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    matchers.discover.cache_clear()
    matchers._shipped.cache_clear()
    yield target.split(" = ")[0]
    for name in ("my_package.dct", "my_package"):
        sys.modules.pop(name, None)
    matchers.discover.cache_clear()
    matchers._shipped.cache_clear()


def test_that_the_matcher_of_the_readme_is_found_and_matches(plug_in: str) -> None:
    entry = next(entry for entry in matchers.discover() if entry.key == plug_in)
    assert entry.reason == ""
    spec = matchers.get(plug_in)
    settings = matchers.with_assignments(spec.defaults(), ["describe.kept=8", "match.ratio=0.9"])
    ref = next(ref for ref in pairs.builtin() if "noise" in ref.tags)
    result = run_to_end(pipeline.run_pair(MatchRequest(ref, plug_in, settings)))
    assert result.left is not None
    assert result.left.descriptors is not None
    assert result.left.descriptors.values.shape[1] == 8 * 8 - 1
    assert np.allclose(np.linalg.norm(result.left.descriptors.values, axis=1), 1, atol=1e-4)
    assert result.evaluation is not None
    assert result.evaluation.precision > 0.8


def test_that_it_is_gone_without_its_package() -> None:
    with pytest.raises(UserError, match="no matcher called 'dct'"):
        matchers.get("dct")
