"""Errands: several owners of one lane, each hearing of its own newest job only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject

from app.jobs import Progress
from app.records import UserError
from app.ui.errand import Errand
from app.ui.lane import Lane
from app.ui.session import Message

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def lane(qapp: QObject) -> Iterator[Lane]:
    made = Lane("errands")
    yield made
    assert made.shutdown(5.0)


class Heard:
    """All that an errand said, in order."""

    def __init__(self, errand: Errand) -> None:
        self.said: list[tuple[str, Any]] = []
        errand.progressed.connect(lambda value: self.said.append(("progressed", value.payload)))
        errand.finished.connect(lambda value: self.said.append(("finished", value)))
        errand.failed.connect(lambda value: self.said.append(("failed", value)))
        errand.cancelled.connect(lambda reason: self.said.append(("cancelled", reason)))


def answering(value: str) -> Generator[Progress, None, str]:
    yield Progress(0, 1, "thinking", value)
    return value


def waiting(release: threading.Event) -> Generator[Progress, None, str]:
    while not release.wait(0.01):
        yield Progress(0, None, "waiting")
    return "late"


def failing(error: Exception) -> Generator[Progress, None, str]:
    yield Progress(0, None, "measuring")
    raise error


def test_that_only_the_owner_hears_of_a_job(lane: Lane, until: Until) -> None:
    one, other = Errand(lane), Errand(lane)
    heard, unheard = Heard(one), Heard(other)
    one.start(lambda: answering("yes"))
    assert one.busy
    assert not other.busy
    until(lambda: not one.busy)
    assert heard.said == [("progressed", "yes"), ("finished", "yes")]
    assert unheard.said == []


def test_that_a_newer_job_of_the_same_owner_takes_the_place_of_the_old_one_silently(lane: Lane, until: Until) -> None:
    errand = Errand(lane)
    heard = Heard(errand)
    errand.start(lambda: waiting(threading.Event()))
    errand.start(lambda: answering("new"))
    assert errand.busy
    until(lambda: not errand.busy)
    assert [kind for kind, _ in heard.said] == ["progressed", "finished"]


def test_that_another_owner_who_takes_the_lane_is_told_of(lane: Lane, until: Until) -> None:
    one, other = Errand(lane), Errand(lane)
    heard = Heard(one)
    one.start(lambda: waiting(threading.Event()))
    other.start(lambda: answering("mine"))
    assert not one.busy
    assert heard.said[-1] == ("cancelled", "superseded")
    one.cancel()  # has nothing to cancel: the lane is the other's
    until(lambda: not other.busy)
    assert heard.said[-1] == ("cancelled", "superseded")


def test_that_a_cancelled_and_a_forgotten_job_say_no_result(lane: Lane, until: Until) -> None:
    errand, release = Errand(lane), threading.Event()
    heard = Heard(errand)
    errand.start(lambda: waiting(threading.Event()))
    errand.cancel()
    assert [kind for kind, _ in heard.said if kind != "progressed"] == ["cancelled"]
    heard.said.clear()
    errand.start(lambda: waiting(release))
    errand.forget()
    release.set()
    until(lambda: not lane.busy)
    assert heard.said == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UserError("The file is empty; choose another."), "The file is empty; choose another."),
        (ValueError("odd"), "Something went wrong in “measuring”: odd"),
    ],
)
def test_that_a_failure_comes_as_the_message_to_show(lane: Lane, until: Until, error: Exception, text: str) -> None:
    errand = Errand(lane)
    heard = Heard(errand)
    errand.start(lambda: failing(error))
    until(lambda: not errand.busy)
    kind, message = heard.said[-1]
    assert kind == "failed"
    assert isinstance(message, Message)
    assert (message.text, message.kind) == (text, "error")


def test_that_a_lane_shut_down_starts_nothing(lane: Lane) -> None:
    errand = Errand(lane)
    lane.shutdown(5.0)
    errand.start(lambda: answering("never"))
    assert not errand.busy
