"""Explains pictures in the background and remembers them: the data side of the SIFT workspace.

What lives here: :class:`Explainer`, its job and its cache. What does not: widgets. May import: jobs, ``app.vision``,
``app.ui.lane``, ``app.ui.session``, QtCore.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Progress, relayed
from app.records import Image, Side, UserError
from app.settings import fields_of
from app.ui.lane import Event
from app.ui.session import Session, failure_message
from app.vision.images import grey8, reduced
from app.vision.scale_levels import ScaleSpaceSettings
from app.vision.scale_space import ScaleSpace
from app.vision.sift_records import SiftExplanation, SiftSettings
from app.vision.sift_stages import explain

MOST_SIDE = 2000  # larger pictures are explained reduced: twenty float levels of twice the size must fit
KEPT_BYTES = 400_000_000
MOST_KEPT = 8
CANCELLED = "Explaining was cancelled. Press Explain to go on."
Key = tuple[str, SiftSettings, int]


@dataclass(frozen=True, eq=False)
class Explained:
    """One picture on its way.

    Attributes:
        picture: reduced if it was larger than asked.
        scale: original pixels per pixel of ``picture``, per axis.
        space: its scale space.
        explanation: None while it is computed.
    """

    picture: Image
    scale: tuple[float, float]
    space: ScaleSpace
    explanation: SiftExplanation | None = None


def explain_images(wanted: Mapping[Key, Image], known: Mapping[Key, Explained]) -> Job[dict[Key, Explained]]:
    """Explain every picture in turn; each progress carries all that is known so far.

    Args:
        wanted: what to explain, the most urgent first.
        known: earlier work on the same keys, taken up where it stopped.
    """
    found: dict[Key, Explained] = {}
    for key, image in wanted.items():
        yield Progress(0, None, "Reading the picture", dict(found))
        here = known.get(key) or _prepared(image, key, known)
        found[key] = here
        yield Progress(0, None, "Building the scale space", dict(found))
        explanation = yield from relayed(
            explain(here.space.grey, key[1], here.space), lambda progress: replace(progress, payload=dict(found))
        )
        found[key] = replace(here, explanation=explanation)
    yield Progress(1, 1, "Explained", dict(found))
    return found


def _prepared(image: Image, key: Key, known: Mapping[Key, Explained]) -> Explained:
    """Return the picture at its working size with its scale space: that of other thresholds if there is one."""
    name, settings, most = key
    for (other, theirs, size), item in known.items():
        if (other, size) == (name, most) and _sampling(theirs) == _sampling(settings):
            return replace(item, explanation=None)
    rgb = image.rgb if max(image.size) <= most else reduced(image.rgb, most)
    picture = image if rgb is image.rgb else Image(f"{image.id}-{most}", image.name, rgb)
    scale = (image.width / picture.width, image.height / picture.height)
    return Explained(picture, scale, ScaleSpace(grey8(picture.rgb), settings))


def _sampling(settings: SiftSettings) -> tuple[object, ...]:
    """Return the part of the settings that the scale space depends on."""
    return tuple(getattr(settings, spec.name) for spec in fields_of(ScaleSpaceSettings()))


class Explainer(QObject):
    """Explains what is wanted, one picture at a time, and keeps the last few.

    Signals:
        changed: something new is known (or will not be: see ``fault``).
        progressed: :class:`Progress` of the running job, None when it ends.
    """

    changed = Signal()
    progressed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lane = session.lane("sift")
        self._known: OrderedDict[Key, Explained] = OrderedDict()
        self._faults: dict[Key, str] = {}
        self._wanted: dict[Key, Image] = {}
        self._running: tuple[Key, ...] = ()
        self._lane.progressed.connect(self._on_progress)
        self._lane.finished.connect(self._on_finished)
        self._lane.failed.connect(self._on_failed)
        self._lane.cancelled.connect(self._on_cancelled)

    @property
    def busy(self) -> bool:
        """Whether a picture is being explained."""
        return bool(self._running)

    def want(self, images: Mapping[Side, Image], settings: SiftSettings, most_side: int) -> dict[Side, Key]:
        """Ask for explanations, the most urgent side first; returns the key of each side.

        What runs for other keys is cancelled; what is known is not computed again.
        """
        keys = {side: (image.id, settings, min(most_side or MOST_SIDE, MOST_SIDE)) for side, image in images.items()}
        self._wanted = {keys[side]: image for side, image in images.items()}
        for key in list(self._wanted):
            if key in self._known:
                self._known.move_to_end(key)
        missing = {
            key: image
            for key, image in self._wanted.items()
            if key not in self._faults and (key not in self._known or self._known[key].explanation is None)
        }
        if missing and not set(missing) <= set(self._running):
            known = dict(self._known)
            self._running = tuple(missing)
            self._lane.start(lambda: explain_images(missing, known))
        elif not missing and self._running:
            self._lane.cancel()
        return keys

    def known(self, key: Key) -> Explained | None:
        """Return what is known of a picture so far."""
        return self._known.get(key)

    def fault(self, key: Key) -> str:
        """Return why a picture could not be explained, empty if it could or may still be."""
        return self._faults.get(key, "")

    def cancel(self) -> None:
        """Stop explaining; :meth:`retry` begins again."""
        for key in self._running:
            self._faults[key] = CANCELLED
        self._lane.cancel()
        self.changed.emit()

    def retry(self) -> None:
        """Forget all faults, so that what is wanted next is tried again."""
        self._faults.clear()
        self.changed.emit()

    def _take(self, found: Mapping[Key, Explained]) -> bool:
        """Keep what is new; whether anything was."""
        new = False
        for key, item in found.items():
            if self._known.get(key) is not item:
                self._known[key] = item
                self._known.move_to_end(key)
                new = True
        while len(self._known) > 2 and (
            len(self._known) > MOST_KEPT or sum(k.space.kept_bytes for k in self._known.values()) > KEPT_BYTES
        ):
            self._known.popitem(last=False)
        return new

    def _on_progress(self, event: Event) -> None:
        progress: Progress = event.value
        if isinstance(progress.payload, dict) and self._take(progress.payload):
            self.changed.emit()
        self.progressed.emit(progress)

    def _on_finished(self, event: Event) -> None:
        self._running = ()
        self._take(event.value)
        self.progressed.emit(None)
        self.changed.emit()

    def _on_failed(self, event: Event) -> None:
        message = failure_message(event)
        for key in self._running:
            self._faults[key] = message.text
        self._running = ()
        if not isinstance(event.value, UserError):
            self._session.message.emit(message)
        self.progressed.emit(None)
        self.changed.emit()

    def _on_cancelled(self, event: Event) -> None:
        if event.value != "superseded":
            self._running = ()
            self.progressed.emit(None)
