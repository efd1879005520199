"""What of a cloud's words may be shown: short, on one line, and nothing that we sent to it."""

import re
from collections.abc import Iterable

LONGEST = 200

_ECHO = re.compile(
    r"canonical|string[ _-]?to[ _-]?sign|signed ?headers|authorization *[:=]"
    r"|x-(auth|subject|security)-token|x-sdk-date *:|cookie *[:=]",
    re.IGNORECASE,
)
"""Where a message starts to repeat our request, as Huawei's answers to bad signatures do."""
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
"""No word of prose is that long: a token, a signature, a key, or an identifier."""
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHORTEST_HIDDEN = 6
_LONGEST_READ = 4096


def presentable(text: str, hide: Iterable[str] = ()) -> str:
    """Return the message without what may be secret; `hide` are the values that we sent."""
    for value in hide:
        for word in (value, *re.split(r"[\s,]+", value)):
            if len(word) >= _SHORTEST_HIDDEN:
                text = text.replace(word, "…")
    text = _ECHO.split(text[:_LONGEST_READ], maxsplit=1)[0]
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    line = _OPAQUE.sub("…", " ".join(text.split())).strip(" ,;:.")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def code(value: object) -> str:
    """Return a vendor's error code or request id as text; empty where it is no plain word."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if _CODE.fullmatch(text) else ""
