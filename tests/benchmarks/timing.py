"""What every benchmark uses: taking turns, series of steps, waiting for a quiet machine, programs in processes of their
own, and the table printed at the end.
"""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import numpy as np
import psutil

LIBRARIES = ("numpy", "opencv-python", "PySide6-Essentials", "torch", "pyqtgraph", "matplotlib")
QUIET_PERCENT = 20.0
PATIENCE_SECONDS = 3.0  # how long one benchmark waits for other programs, all its rounds together
FRAME = 0.016  # seconds from an input until what follows from it is painted, at 60 Hz


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

    def add_limit(self, what: str, seconds: float, most: float, measured: str = "", *, note: str = "") -> None:
        """Add the line of a time that is held against a limit alone; the ratio is its share of the limit.

        Args:
            measured: how ``seconds`` is written down, if there is more to it.
        """
        long = most >= 1
        text = measured or (f"{seconds:.1f} s" if long else milliseconds(seconds))
        target = f"≤ {most:g} s" if long else f"≤ {1e3 * most:.0f} ms"
        self.add(what, text, "", seconds / most, target, met=seconds <= most, note=note)

    def add_frame(self, what: str, taken: Taken, measured: str = "") -> None:
        """Add the line of what must be painted within a frame; the note says how much of it is the thread's own."""
        note = "" if taken.clock <= FRAME else f"its thread works {milliseconds(taken.processor)} of it"
        self.add_limit(what, taken.clock, FRAME, measured or str(taken), note=note)

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


def once(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds of one run, for what cannot be run again."""
    start = clock()
    function()
    return clock() - start


def interleaved(
    functions: dict[str, Callable[[], object]],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
    *,
    before: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Return the least seconds of each, taken in turns so that drift of the machine hits all alike.

    Args:
        clock: ``time.thread_time`` for work of one thread, which other programs then do not lengthen by waiting.
        before: begins every round and is not measured.
    """
    best = dict.fromkeys(functions, float("inf"))
    patience = Patience()
    for _ in range(repeats):
        patience.wait()
        before()
        for name, function in functions.items():
            best[name] = min(best[name], once(function, clock))
    return best


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of processor time, of all threads or of one."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{milliseconds(self.clock)} (processor {milliseconds(self.processor)})"


def interleaved_on_both_clocks(functions: dict[str, Callable[[], object]], repeats: int = 5) -> dict[str, Taken]:
    """Return the least of each by the clock and of processor time, all threads together, taken in turns as
    :func:`interleaved` does.
    """
    work = dict.fromkeys(functions, float("inf"))

    def counted(name: str, function: Callable[[], object]) -> None:
        work[name] = min(work[name], once(function, time.process_time))

    wall = interleaved(
        {name: lambda name=name, function=function: counted(name, function)  # type: ignore[misc]
         for name, function in functions.items()}, repeats,
    )  # fmt: skip
    return {name: Taken(wall[name], work[name]) for name in functions}


@dataclass(frozen=True)
class Series:
    """Seconds of each of many steps, one after the other."""

    clock: list[float]
    processor: list[float]

    def within(self, percent: float) -> Taken:
        """Return what so many per cent of the steps do not exceed, on each clock."""
        return Taken(share(self.clock, percent), share(self.processor, percent))

    @property
    def median(self) -> Taken:
        """What half of the steps do not exceed."""
        return self.within(50)

    @property
    def p95(self) -> Taken:
        """What 95 of 100 steps do not exceed."""
        return self.within(95)


def share(values: Sequence[float], percent: float) -> float:
    """Return the value that so many per cent do not exceed."""
    return float(np.percentile(values, percent))


def series_in_turns(
    functions: dict[str, Callable[[int], object]], steps: int, own: Callable[[], float] = time.thread_time
) -> dict[str, Series]:
    """Return how long each function takes for step 0, 1, …, taken in turns, once the machine is quiet.

    Args:
        own: the clock of processor time: ``time.process_time`` where other threads work too.
    """
    made = {name: Series([], []) for name in functions}
    Patience().wait()
    for index in range(steps):
        for name, function in functions.items():
            start, begun = time.perf_counter(), own()
            function(index)
            made[name].processor.append(own() - begun)
            made[name].clock.append(time.perf_counter() - start)
    return made


def series(step: Callable[[int], object], steps: int, own: Callable[[], float] = time.thread_time) -> Series:
    """Return how long step 0, 1, … take, once the machine is quiet; ``own`` as in :func:`series_in_turns`."""
    return series_in_turns({"": step}, steps, own)[""]


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """Let OpenCV work on so many threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch and the products of numpy work on so many threads."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


def said(
    word: str, command: list[str], seconds: float, *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Run a program and return what its line that begins with ``word`` says after it.

    Raises:
        AssertionError: there is no such line; with what the program wrote about its errors.
        subprocess.TimeoutExpired: it runs for longer than ``seconds``.
    """
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    lines = (line.removeprefix(f"{word} ") for line in done.stdout.splitlines() if line.startswith(f"{word} "))
    line = next(lines, None)
    assert line is not None, done.stderr
    return line


def milliseconds(seconds: float) -> str:
    """Return a duration in readable milliseconds."""
    value = seconds * 1e3
    return f"{value:.2f} ms" if value < 1 else f"{value:.1f} ms" if value < 20 else f"{value:,.0f} ms"
