"""What every benchmark uses: taking turns, waiting for a quiet machine, and the table printed at the end."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

LIBRARIES = ("numpy", "opencv-python", "PySide6-Essentials", "torch", "pyqtgraph", "matplotlib")
QUIET_PERCENT = 20.0
PATIENCE_SECONDS = 3.0  # how long one benchmark waits for other programs, all its rounds together


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    reference: str
    ratio: str
    target: str
    met: bool
    note: str


@dataclass
class Table:
    """All lines measured in this run."""

    rows: list[Row] = field(default_factory=list)

    def add(
        self, what: str, measured: str, reference: str, ratio: float | str, target: str, *, met: bool, note: str = ""
    ) -> None:
        """Add a line; ``note`` says what limits a number that misses its target."""
        text = ratio if isinstance(ratio, str) else f"{ratio:.2f}" if ratio < 20 else f"{ratio:.0f}"
        self.rows.append(Row(what, measured, reference, text, target, met, note))

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = ["| what | measured | reference in the same run | ratio | target | met? |", "|---|---|---|---|---|---|"]
        for row in self.rows:
            met = "yes" if row.met else "**no**"
            if row.note:
                met += f": {row.note}"
            lines.append(f"| {row.what} | {row.measured} | {row.reference} | {row.ratio} | {row.target} | {met} |")
        return "\n".join(lines)


def _version(name: str) -> str:
    """Return which version of a package is installed, or nothing: OpenCV may be there under another name."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def machine() -> str:
    """Return processor, cores, memory and versions in one sentence."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.is_file() else [platform.processor()]  # fmt: skip
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name)))
    return (
        f"{names[0]}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}"
    )


class Patience:
    """Waits for other programs to leave the processor, up to a limit for all its calls together."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self.left = seconds

    def wait(self) -> None:
        """Return when the machine is quiet or the patience is used up."""
        start = time.monotonic()
        while self.left - (time.monotonic() - start) > 0 and psutil.cpu_percent(0.1) > QUIET_PERCENT:
            pass
        self.left -= time.monotonic() - start


def interleaved(
    functions: dict[str, Callable[[], object]], repeats: int = 5, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return the least seconds of each, taken in turns so that drift of the machine hits all alike.

    Args:
        clock: ``time.thread_time`` for work of one thread, which other programs then do not lengthen by waiting.
    """
    best = dict.fromkeys(functions, float("inf"))
    patience = Patience()
    for _ in range(repeats):
        patience.wait()
        for name, function in functions.items():
            start = clock()
            function()
            best[name] = min(best[name], clock() - start)
    return best


@dataclass(frozen=True)
class Taken:
    """The least seconds of several runs: by the clock, and of processor time, all threads together."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{milliseconds(self.clock)} (processor {milliseconds(self.processor)})"


def interleaved_on_both_clocks(functions: dict[str, Callable[[], object]], repeats: int = 5) -> dict[str, Taken]:
    """Return the least of each by the clock and of processor time, taken in turns as :func:`interleaved` does."""
    work = dict.fromkeys(functions, float("inf"))

    def counted(name: str, function: Callable[[], object]) -> None:
        start = time.process_time()
        function()
        work[name] = min(work[name], time.process_time() - start)

    wall = interleaved(
        {name: lambda name=name, function=function: counted(name, function)  # type: ignore[misc]
         for name, function in functions.items()}, repeats,
    )  # fmt: skip
    return {name: Taken(wall[name], work[name]) for name in functions}


def milliseconds(seconds: float) -> str:
    """Return a duration in readable milliseconds."""
    value = seconds * 1e3
    return f"{value:.2f} ms" if value < 1 else f"{value:.1f} ms" if value < 20 else f"{value:,.0f} ms"
