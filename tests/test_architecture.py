"""The shape of the source: which way imports go, where Qt lives, what is imported only when needed."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "app").rglob("*.py"))

# What each part may import of the program, besides itself; "lazily" only inside functions.
ALLOWED: dict[str, set[str]] = {
    "records": set(),
    "start": set(),
    "text": set(),
    "jobs": set(),
    "settings": {"records"},
    "locate": {"records"},
    "vision": {"records", "text", "settings", "jobs", "locate"},
    "learning": {"records", "text", "settings", "jobs", "locate", "vision", "formats"},
    "matchers": {"records", "text", "settings", "jobs", "locate", "vision", "learning"},
    "formats": {"records", "text", "settings", "jobs", "locate", "vision", ""},
    "pairs": {"records", "text", "settings", "jobs", "locate", "vision", "formats"},
    "pipeline": {"records", "text", "settings", "jobs", "locate", "vision", "learning", "matchers", "pairs"},
    "benchmark": {
        "records", "text", "settings", "jobs", "locate", "vision", "matchers", "formats", "pairs", "pipeline", "",
    },
    "commands": {
        "records", "text", "settings", "jobs", "locate", "vision", "learning", "matchers", "formats", "pairs",
        "pipeline", "benchmark", "",
    },
    "failures": {"records", "text", "settings", "jobs", "locate", "vision", "matchers", "pairs", "pipeline"},
    "cli": {
        "records", "text", "settings", "jobs", "locate", "vision", "learning", "matchers", "formats", "pairs",
        "pipeline", "benchmark", "commands", "",
    },
    "ui": {
        "records", "text", "settings", "jobs", "locate", "vision", "learning", "matchers", "formats", "pairs",
        "pipeline", "benchmark", "failures", "start", "",
    },
}  # fmt: skip
# The program begins with what must be settled first; the command line starts the window, and draws figures, only when
# asked to.
LAZILY_ALLOWED = {"start": {"cli"}, "cli": {"ui"}, "commands": {"ui"}}
QT = {"PySide6", "pyqtgraph", "shiboken6"}
SLOW = {"torch", "kornia", "sklearn", "scipy", "skimage", "pyqtgraph", "PIL", "matplotlib", "safetensors", "h5py"}


def part_of(path: Path) -> str:
    inside = path.relative_to(ROOT / "app")
    return "" if inside.name == "__init__.py" and len(inside.parts) == 1 else inside.parts[0].removesuffix(".py")


def imports(tree: ast.AST, *, top_level: bool) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of every import; with ``top_level`` only those run on import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and top_level:
            continue
        elif not (top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield from imports(node, top_level=top_level)


def own_part(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] != "app":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_that_imports_go_one_way(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    part = part_of(path)
    allowed = ALLOWED.get(part, set()) | {part}
    wrong = [
        f"{name} (line {line})"
        for top in (True, False)
        for name, line in imports(tree, top_level=top)
        if (target := own_part(name)) is not None
        and target not in allowed | (set() if top else LAZILY_ALLOWED.get(part, set()))
    ]
    assert not wrong, f"{path.name} may not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_that_qt_lives_in_ui_alone_and_slow_packages_are_imported_when_needed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if part_of(path) != "ui":
        assert not [name for name, _ in imports(tree, top_level=False) if name.split(".")[0] in QT]
    assert not [name for name, _ in imports(tree, top_level=True) if name.split(".")[0] in SLOW]


def test_that_workspaces_do_not_import_each_other() -> None:
    for path in (ROOT / "app/ui/workspaces").glob("*.py"):
        if path.name in ("__init__.py", "base.py"):
            continue
        own = ("app.ui.workspaces.base", f"app.ui.workspaces.{path.stem}")
        names = [name for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")), top_level=False)]
        others = [name for name in names if name.startswith("app.ui.workspaces.") and not name.startswith(own)]
        assert not others, f"{path.name} imports {others}"


def test_that_the_rule_for_imports_would_notice_a_violation() -> None:
    tree = ast.parse("import app.ui.session\ndef f():\n    import torch\n")
    assert [name for name, _ in imports(tree, top_level=True)] == ["app.ui.session"]
    assert [name for name, _ in imports(tree, top_level=False)] == ["app.ui.session", "torch"]
    assert own_part("app.ui.session") == "ui"


def test_that_the_matcher_list_and_the_pipeline_are_found_without_slow_imports() -> None:
    code = (
        "import sys, app.pipeline, app.pairs, app.matchers as m\n"
        "assert len(m.discover()) >= 8\n"
        f"print(sorted(set({sorted(SLOW | QT)!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_that_nothing_read_from_disk_is_unpickled() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name.split(".")[0] for name, _ in imports(tree, top_level=False)}
        assert not names & {"pickle", "dill", "joblib", "shelve", "marshal"}, path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg in ("allow_pickle", "weights_only"):
                        expected = keyword.arg == "weights_only"
                        assert isinstance(keyword.value, ast.Constant), path
                        assert keyword.value.value is expected, path


def test_that_no_dependency_brings_a_second_opencv() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    opencv = [line for line in named if "opencv" in line]
    assert opencv == ["opencv-python>=5,<6"]
    assert not [line for line in named if "torchvision" in line]
