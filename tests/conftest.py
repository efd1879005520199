"""What tests need: logs that end with each, a shim for aioresponses, containers for a few."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import aioresponses.core
import pytest
import structlog
from aiohttp import ClientResponse
from containers import image, podman

__all__ = ["image", "podman"]
"""Fixtures that live beside what they are made of."""


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Let no test log to where another one did: what captured it is closed by then."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


class _Response(ClientResponse):
    """A response that was never written to a connection; aiohttp 3.14 wants one argument more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fill in the writer that aioresponses (its issue 289) does not pass."""
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


if "stream_writer" in ClientResponse.__init__.__annotations__:
    vars(aioresponses.core)["ClientResponse"] = _Response
