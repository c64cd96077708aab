"""Forms made from settings: every field has a row, rows and settings agree, help is everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app import matchers
from app.settings import FieldSpec, Settings, choice, fields_of, flag, named, number
from app.ui.combo import Combo
from app.ui.form import Form, build, from_slider, slider_steps, to_slider
from app.ui.panel import FormPanel
from app.ui.session import Session


@dataclass(frozen=True)
class Knobs(Settings):
    ratio: float = number(0.8, 0.0, 1.0, 0.01, label="Ratio", help="Keep if clearly nearest.")
    count: int = number(500, 0, 100000, 1, label="Count", help="How many.", zero_means="all", log_scale=True)
    sigma: float = number(1.6, 0.5, 4.0, 0.1, label="Sigma", help="Blur.", unit="px")
    model: str = choice("none", {"none": "None", "homography": "Homography"}, label="Model", help="What to fit.")
    mutual: bool = flag(True, label="Mutual", help="Both ways.")


class Asked(QObject):
    """Counts how often a widget is asked to be laid out."""

    times = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.times += event.type() == QEvent.Type.LayoutRequest
        return False


def form_of(qtbot: QtBot, settings: Any = None) -> tuple[Form, list[Any]]:
    form, changes = build(settings or Knobs()), []
    qtbot.addWidget(form)
    form.changed.connect(changes.append)
    form.show()
    return form, changes


def row(form: Form, name: str) -> Any:
    return form.rows[name]


SPECS = st.builds(
    lambda low, span, step, log: FieldSpec(
        "x", "number", low, "X", "help", low, low + span, step, isinstance(step, int), log_scale=log
    ),
    st.sampled_from([0, 1, 0.0, 0.5, -3.0]),
    st.sampled_from([1, 10, 100, 5000, 0.5]),
    st.sampled_from([1, 0.01, 0.1]),
    st.just(False),
) | st.sampled_from([spec for spec in fields_of(Knobs()) if spec.kind == "number"])


@given(SPECS, st.integers(0, 1000))
def test_that_slider_positions_survive_the_way_to_a_value_and_back_in_value(spec: FieldSpec, position: int) -> None:
    position = min(position, slider_steps(spec))
    value = from_slider(spec, position)
    assert spec.low <= value <= spec.high
    again = from_slider(spec, to_slider(spec, value))
    span = (spec.high - spec.low) / slider_steps(spec)
    tolerance = 0.02 * max(abs(value), spec.step) if spec.log_scale else span + spec.step
    assert abs(again - value) <= tolerance


def test_that_slider_values_rise_with_the_position_and_reach_both_ends() -> None:
    for spec in fields_of(Knobs()):
        if spec.kind == "number":
            values = [from_slider(spec, position) for position in range(slider_steps(spec) + 1)]
            assert values == sorted(values)
            assert (values[0], values[-1]) == (spec.low, spec.high)


def test_that_a_new_form_shows_the_settings_and_reports_nothing(qtbot: QtBot) -> None:
    settings = Knobs(ratio=0.61, count=0, sigma=2.5, model="homography", mutual=False)
    form, changes = form_of(qtbot, settings)
    assert row(form, "ratio").spin.value() == pytest.approx(0.61)
    assert row(form, "count").spin.text() == "all"
    assert row(form, "sigma").spin.text() == "2.5 px"
    assert row(form, "model").combo.currentText() == "Homography"
    assert not row(form, "mutual").box.isChecked()
    form.set_values(Knobs())
    assert row(form, "model").combo.currentText() == "None"
    assert changes == []


def test_that_every_kind_of_row_reports_the_changed_settings(qtbot: QtBot) -> None:
    form, changes = form_of(qtbot)
    slider = row(form, "ratio").slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert changes[-1] == Knobs(ratio=0.79)
    spin = row(form, "sigma").spin
    spin.selectAll()
    qtbot.keyClicks(spin, "2.5")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert changes[-1].sigma == pytest.approx(2.5)
    qtbot.keyClick(row(form, "model").combo, Qt.Key.Key_Down)
    assert changes[-1].model == "homography"
    qtbot.mouseClick(row(form, "mutual").box, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert changes[-1].mutual is False
    assert form.settings == changes[-1]


def test_that_slider_and_number_move_together(qtbot: QtBot) -> None:
    form, _ = form_of(qtbot)
    row(form, "ratio").spin.setValue(0.25)
    assert row(form, "ratio").slider.value() == 25
    row(form, "ratio").slider.setValue(50)
    assert row(form, "ratio").spin.value() == pytest.approx(0.5)


def test_that_a_whole_number_stays_one(qtbot: QtBot) -> None:
    form, changes = form_of(qtbot)
    row(form, "count").slider.setValue(333)
    assert isinstance(changes[-1].count, int)


def test_that_dragging_is_reported_as_held(qtbot: QtBot) -> None:
    form, _ = form_of(qtbot)
    held: list[bool] = []
    form.held.connect(held.append)
    slider = row(form, "ratio").slider
    slider.setSliderDown(True)
    slider.setSliderDown(False)
    assert held == [True, False]


def test_that_the_wheel_scrolls_the_panel_and_changes_nothing_without_focus(qtbot: QtBot) -> None:
    form, changes = form_of(qtbot)
    form.setFocus()
    for widget in (row(form, "ratio").slider, row(form, "ratio").spin, row(form, "model").combo):
        middle = QPointF(widget.rect().center())
        event = QWheelEvent(
            middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
    assert changes == []


def test_that_a_value_the_settings_refuse_comes_back_with_its_sentence(qtbot: QtBot) -> None:
    form, changes = form_of(qtbot)
    refused: list[str] = []
    form.refused.connect(refused.append)
    form._changed("model", "nosuch")
    assert "nosuch" in refused[0]
    assert row(form, "model").combo.currentText() == "None"
    assert changes == []


def test_that_every_widget_has_a_name_and_its_help_and_tells_it_on_focus(qtbot: QtBot) -> None:
    form, _ = form_of(qtbot)
    said: list[str] = []
    form.help_wanted.connect(said.append)
    for spec in fields_of(Knobs()):
        for widget in form.rows[spec.name].widgets:
            assert widget.accessibleName() == spec.label
            assert spec.help in widget.toolTip()
            form.eventFilter(widget, _enter())
            assert said[-1] == f"{spec.label}: {spec.help}"


def _enter() -> Any:
    from PySide6.QtGui import QEnterEvent

    return QEnterEvent(QPointF(1, 1), QPointF(1, 1), QPointF(1, 1))


@pytest.mark.parametrize("entry", [e for e in matchers.discover() if e.spec is not None], ids=lambda e: e.key)
def test_that_every_matcher_has_a_form_for_every_stage(entry: matchers.Entry, qtbot: QtBot) -> None:
    assert entry.spec is not None
    settings = entry.spec.defaults()
    for stage in matchers.STAGES:
        part = getattr(settings, stage)
        form = build(part)
        qtbot.addWidget(form)
        assert list(form.rows) == [spec.name for spec in fields_of(part)]
        for spec in fields_of(part):
            assert spec.label, f"{entry.key} {stage}.{spec.name} has no label"
            assert spec.help, f"{entry.key} {stage}.{spec.name} has no help"
            if spec.kind == "number":
                shown = form.rows[spec.name].spin.value()  # type: ignore[attr-defined]  # numbers have one
                assert shown == pytest.approx(spec.default, rel=1e-9, abs=1e-12), f"{stage}.{spec.name} is rounded"
        assert form.settings == replace(part)


THERE = {"first": "First", "second": "Second"}


@dataclass(frozen=True)
class Names(Settings):
    model: str = named(lambda: THERE, suffix=".model", label="Model", help="Which one.")


def test_that_names_that_come_and_go_are_seen_when_the_list_is_opened(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, changes = form_of(qtbot, Names("second"))
    box = row(form, "model").combo
    monkeypatch.delitem(THERE, "second")
    monkeypatch.setitem(THERE, "third", "Third")
    box.showPopup()
    assert [box.itemData(i) for i in range(box.count())] == ["first", "third", "second"]  # what is chosen stays
    assert box.currentData() == "second"
    assert not changes
    box.setCurrentIndex(1)
    box.hidePopup()
    assert changes == [Names("third")]


@dataclass(frozen=True)
class Wordy(Settings):
    threshold: float = number(0.1, 0.0, 1.0, 0.1, label="Contrast threshold", help="Of the response.")


def test_that_the_forms_of_a_panel_begin_their_sliders_in_one_line(qtbot: QtBot) -> None:
    session = Session(None)
    panel = FormPanel(session)
    qtbot.addWidget(panel)
    forms = [build(Knobs()), build(Wordy())]
    for form in forms:
        panel.column.addWidget(form)
    panel.resize(400, 500)
    panel.show()
    few, many = row(forms[0], "ratio").slider, row(forms[1], "threshold").slider
    qtbot.waitUntil(lambda: few.mapTo(panel, QPoint()).x() == many.mapTo(panel, QPoint()).x(), timeout=2000)
    asked = Asked()
    forms[0].installEventFilter(asked)
    qtbot.wait(100)
    assert asked.times <= 2  # aligned once, a panel that nobody touches is left alone
    forms[1].hide()
    wide = row(forms[0], "ratio").slider
    qtbot.waitUntil(lambda: wide.mapTo(forms[0], QPoint()).x() < forms[1].label_width, timeout=2000)
    wordy = build(Wordy(), panel)
    assert wordy.label_width > forms[0].label_width
    forms[0].align(wordy.label_width, 200)  # no room: the second column keeps what it needs
    assert forms[0].minimumSizeHint().width() <= 200
    forms[0].align(wordy.label_width, 400)
    assert forms[0].minimumSizeHint().width() > 200
    session.shutdown(1.0)


def test_that_a_choice_too_long_for_its_box_ends_in_an_ellipsis_and_is_told_in_full(qtbot: QtBot) -> None:
    combo = Combo()
    qtbot.addWidget(combo)
    combo.addItem("Tower, compared by distance, all of it")
    combo.setToolTip("<p>Which design.</p>")
    combo.resize(500, 32)
    combo.show()
    assert combo.shown == combo.currentText()
    combo.resize(120, 32)
    assert combo.shown.endswith("…")
    assert len(combo.shown) < len(combo.currentText())
    combo.grab()
    place = QPoint(5, 5)
    QApplication.sendEvent(combo, QHelpEvent(QEvent.Type.ToolTip, place, combo.mapToGlobal(place)))
    assert combo.currentText() in QToolTip.text()
    assert "Which design." in QToolTip.text()
    combo.showPopup()
    assert combo.view().width() >= combo.view().sizeHintForColumn(0)
    combo.hidePopup()
