"""The shipped book of providers."""

from __future__ import annotations

import pytest

from yett.providers.book import ProviderBook


@pytest.fixture(scope="session")
def book() -> ProviderBook:
    return ProviderBook.load()
