"""Fixtures for every test: real data beside the checkout, and the garbage collector's guard."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs import native_calls_ended

# Qt is asked for a screen that every machine has; a test of the real one starts its own process.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Turn automatic collection off: it may run on a worker thread and destroy Qt objects there."""
    gc.disable()


def pytest_sessionfinish() -> None:
    """Let abandoned native calls end: they must not outlive the interpreter."""
    native_calls_ended(60.0)


@pytest.fixture(autouse=True)
def collected_on_the_main_thread() -> Iterator[None]:
    """Collect young garbage after every test, on the main thread, as the window's timer does."""
    yield
    gc.collect(1)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds ``app`` and ``tests``."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real image pairs beside the checkout (``../shared/data``); tests that need them are skipped without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real image pairs are not beside the checkout (../shared/data)")
    return folder
