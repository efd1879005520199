"""Whole numbers in what callers write."""

import re

from aiohttp import web

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def digits(text: str) -> int | None:
    """Return the number that `text` spells, None if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def whole_number(request: web.Request, name: str, default: int) -> int | None:
    """Return the number that parameter `name` gives, `default` without it, None if it is none."""
    text = request.query.get(name)
    return default if text is None else digits(text)
