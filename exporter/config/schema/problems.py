"""Every mistake of one configuration, each with its place; collected, then told all at once."""

import re

from exporter.config.schema.document import Node

Path = tuple[str | int, ...]
"""Keys and positions from the top of the file down to a value."""

_WORD = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MAX_KEY = 40


class Problems:
    """Mistakes so far, and where each value that was looked at stands."""

    def __init__(self) -> None:
        """Start with none."""
        self._places: dict[Path, tuple[int, str]] = {}
        self._found: list[tuple[int, str]] = []

    def place(self, path: Path, node: Node, line: int | None = None) -> None:
        """Remember where the value at `path` stands; `line` is that of its key, if it has one."""
        self._places[path] = (node.line if line is None else line, node.origin)

    def add(self, path: Path, text: str) -> None:
        """Add one mistake; its line is that of the nearest value above that is in the file."""
        known = path
        while known and known not in self._places:
            known = known[:-1]
        line, origin = self._places.get(known, (1, ""))
        parts = (origin or f"line {line}", format_path(path), text)
        self._found.append((line, ": ".join(part for part in parts if part)))

    def lines(self) -> tuple[str, ...]:
        """Return all of them in the order of the file; what flags and variables gave is first."""
        return tuple(text for _, text in sorted(self._found, key=lambda found: found[0]))


def format_path(path: Path) -> str:
    """Return the path as people write it: `targets[0].collectors.task_monitors.interval`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{format_key(part)}" if text else format_key(part)
    return text


def format_key(key: str) -> str:
    """Return a key fit for one line: words as they are, all else in quotes and cut."""
    return key if _WORD.fullmatch(key) else repr(key if len(key) <= _MAX_KEY else key[:_MAX_KEY])
