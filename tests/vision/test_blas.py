"""The thread count of the matrix product is borrowed and put back, by several users at once too."""

from __future__ import annotations

import pytest

from app.vision import blas


def count() -> int:
    functions = blas._functions()
    if functions is None:
        pytest.skip("numpy here multiplies with another library than OpenBLAS")
    return int(functions[0]())


def test_that_the_count_is_one_inside_and_as_before_outside() -> None:
    before = count()
    with blas.one_thread_each() as first, blas.one_thread_each() as second:
        assert first
        assert second
        assert count() == 1
    assert count() == before


def test_that_an_error_inside_puts_it_back_too() -> None:
    before = count()
    with pytest.raises(KeyError), blas.one_thread_each():
        raise KeyError
    assert count() == before


def test_that_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_functions", lambda: None)
    with blas.one_thread_each() as had:
        assert not had
