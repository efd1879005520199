"""Lets aioresponses 0.7 work with aiohttp 3.14 and newer, which want one argument more."""

from typing import Any
from unittest.mock import Mock

import aioresponses.core
from aiohttp import ClientResponse


class _Response(ClientResponse):
    """A response that was never written to a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fill in the writer that aioresponses (its issue 289) does not pass."""
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


if "stream_writer" in ClientResponse.__init__.__annotations__:
    vars(aioresponses.core)["ClientResponse"] = _Response
