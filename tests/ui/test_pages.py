"""The lists of pages: every line leads to a page of its name."""

from __future__ import annotations

import pytest

from app.ui import metric, sift, train
from app.ui.pages import Page, PageEntry

ENTRIES = {f"{package.__name__}: {entry.key}": entry for package in (sift, train, metric) for entry in package.PAGES}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_that_a_line_of_the_list_leads_to_its_page(entry: PageEntry) -> None:
    kind = entry.load()
    assert issubclass(kind, Page)
    assert (kind.key, kind.title) == (entry.key, entry.title)
    assert entry.tip
