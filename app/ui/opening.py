"""How images come into the window: dialogs, dropped and pasted files, pasted pictures.

What lives here: :class:`Opener`. What does not: deciding which files make pairs (``app.pairs``). May
import: ``app.pairs`` inside functions, ``app.ui.session``, ``app.ui.lane``, Qt's core, gui and widgets.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QMimeData, QObject, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.jobs import Progress, native
from app.records import UserError
from app.ui.lane import Event, Lane
from app.ui.picture_files import save_image
from app.ui.session import Message, Session, failure_message
from app.ui.session_state import Opened, config_folder

if TYPE_CHECKING:
    from app.pairs import Found

log = logging.getLogger(__name__)
IMAGE_NAMES = "png jpg jpeg jpe bmp tif tiff webp ppm pgm pbm pnm gif jp2 exr hdr avif"
IMAGE_SUFFIXES = frozenset(f".{name}" for name in IMAGE_NAMES.split())
IMAGE_FILTER = "Images (" + " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES)) + ");;All files (*)"
LIST_FILTER = "Lists of pairs (*.txt *.csv *.json *.lst);;All files (*)"


def is_image_name(path: str) -> bool:
    """Whether the file name looks like an image's."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def paths_of(mime: QMimeData) -> list[str]:
    """Return the local files and folders that a drop or the clipboard holds, in their order."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]


def take_copy(event: QDropEvent) -> None:
    """Take what is dragged or dropped as a copy: a source that is told it was moved may delete its files."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def _path_in(line: str) -> str:
    """Return the path that a line of text is: bare, in quotation marks, or the address of a local file."""
    text = line.strip().strip("\"'")
    return QUrl(text).toLocalFile() if text.startswith("file:") else text


def find_pairs(paths: Sequence[str], *, every: bool = False) -> Generator[Progress, None, Found]:
    """Find the pairs that these files or folders make; a job, since a folder may lie far away."""
    from app import pairs

    (found,) = yield from native(
        lambda: pairs.find(paths, every=every), progress=Progress(0, None, "Looking for pairs")
    )
    return cast("Found", found)


def keep_pictures(pictures: Sequence[QImage], folder: Path) -> Generator[Progress, None, tuple[str, ...]]:
    """Write pasted pictures into ``folder``, each named by its pixels, and return their paths; a job.

    Raises:
        UserError: if the folder or a file cannot be written.
    """
    paths = []
    for number, picture in enumerate(pictures):
        progress = Progress(number, len(pictures), "Keeping the pasted picture")
        paths += yield from native(partial(_keep, picture, folder), progress=progress)
    return tuple(paths)


def _keep(picture: QImage, folder: Path) -> str:
    shown = picture.convertToFormat(QImage.Format.Format_RGBA8888)
    path = folder / f"pasted-{hashlib.sha256(bytes(shown.constBits())).hexdigest()[:12]}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot keep the pasted picture in {folder}: {error.strerror or error}.") from None
    save_image(shown, path)
    return str(path)


class Opener(QObject):
    """Opens pairs from wherever they come; one image alone waits for its partner.

    The list that the last session's pair came from is found again, if there is one, and shown around that pair.
    """

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._waiting = ""
        self._folder = ""
        self._pasted: list[QImage] = []
        self._asked = Opened(())
        self._again = False  # whether it is the last session's list that is being looked for
        self.lane = Lane("open", self)
        self.lane.finished.connect(self._finished)
        self.lane.failed.connect(self._failed)
        if session.opened is not None:
            self._start(session.opened, again=True)

    def open_paths(self, paths: Sequence[str]) -> None:
        """Open two images, a folder, a list of pairs, or one image of two."""
        if len(paths) == 1 and is_image_name(paths[0]) and Path(paths[0]).is_file():
            if not self._waiting:
                self._waiting = paths[0]
                text = f"{Path(paths[0]).name} is the left image; drop, paste or open the right one."
                self._session.message.emit(Message(text))
                return
            paths = [self._waiting, paths[0]]
        self._waiting = ""
        if paths:
            self._find(paths)

    def _find(self, paths: Sequence[str], *, every: bool = False) -> None:
        self._pasted.clear()
        self._start(Opened.of(paths, every=every))

    def _start(self, asked: Opened, *, again: bool = False) -> None:
        self._asked, self._again = asked, again
        self.lane.start(lambda: find_pairs(asked.paths, every=asked.every))

    def open_images(self) -> None:
        """Ask for two images (chosen together, or one after the other)."""
        from PySide6.QtWidgets import QFileDialog

        paths, _ = QFileDialog.getOpenFileNames(
            self._window, "Open two images (choose both, or one after the other)", self._folder, IMAGE_FILTER
        )
        self._open_chosen(paths)

    def open_folder(self, *, every: bool = False) -> None:
        """Ask for a folder; ``every`` pairs each image with each other instead of with the next."""
        from PySide6.QtWidgets import QFileDialog

        title = "Open all pairs of a folder" if every else "Open a folder of images or pairs"
        if path := QFileDialog.getExistingDirectory(self._window, title, self._folder):
            self._folder, self._waiting = str(Path(path).parent), ""
            self._find([path], every=every)

    def open_list(self) -> None:
        """Ask for a list of pairs."""
        from PySide6.QtWidgets import QFileDialog

        path, _ = QFileDialog.getOpenFileName(self._window, "Open a list of pairs", self._folder, LIST_FILTER)
        self._open_chosen([path] if path else [])

    def open_builtin(self) -> None:
        """Show the built-in pairs."""
        from app import pairs

        self._session.open_pairs(pairs.builtin())

    def paste(self) -> None:
        """Open what the clipboard holds: files, paths as text, or a picture."""
        clipboard = QGuiApplication.clipboard()
        # Qt gives no data at all for an empty clipboard, against the signature.
        mime = clipboard.mimeData() or QMimeData()
        paths = paths_of(mime)
        if not paths and mime.hasImage():
            self._paste_picture(clipboard.image())
            return
        if not paths and mime.hasText():
            lines = [_path_in(line) for line in mime.text().splitlines()[:1000]]
            paths = [line for line in lines if line and len(line) < 4096 and Path(line).exists()]
        if paths:
            self.open_paths(paths)
        else:
            self._session.message.emit(
                Message("The clipboard holds no picture and no files. Copy two image files, or a picture, first.")
            )

    def _open_chosen(self, paths: Sequence[str]) -> None:
        if paths:
            self._folder = str(Path(paths[0]).parent)
            self.open_paths(paths)

    def _paste_picture(self, picture: QImage) -> None:
        """Keep a pasted picture as a file beside the session, so that it can be opened again."""
        if picture.isNull():
            self._session.message.emit(Message("The picture on the clipboard cannot be read; copy it again.", "error"))
            return
        # The lane drops a job that has not ended for a newer one, which therefore keeps the pictures of both.
        self._pasted.append(picture)
        self._again = False
        pictures, folder = tuple(self._pasted), config_folder() / "pasted"
        self.lane.start(lambda: keep_pictures(pictures, folder))

    def _failed(self, event: Event) -> None:
        self._pasted.clear()
        if self._again and isinstance(event.value, UserError):  # told as that of the pair, if it is gone too
            log.info("the list of the last session is gone: %s", event.value)
            return
        self._session.message.emit(failure_message(event))

    def _finished(self, event: Event) -> None:
        if isinstance(event.value, tuple):  # the paths of pasted pictures
            self._pasted.clear()
            for path in event.value:
                self.open_paths([path])
        elif not self._again:
            refs = event.value.refs
            kept = self._asked.worth_keeping(len(refs))
            self._session.open_pairs(refs, notes=event.value.notes, opened=kept)
        elif self._session.opened is self._asked:
            refs = event.value.refs
            if self._session.state.pair in refs and self._session.pairs != refs:  # not the list already
                self._session.list_pairs(refs)
