"""Whole numbers in queries."""

import re

from aiohttp import web

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def whole_number(request: web.Request, name: str, default: int) -> int | None:
    """Return the number that parameter `name` gives, `default` without it, None if it is none."""
    text = request.query.get(name)
    if text is None:
        return default
    return int(text) if _WHOLE.fullmatch(text) else None
