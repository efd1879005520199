"""What the clouds were asked, for tests and people."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 1000
LONGEST = 500
"""Characters that are kept of a path or query."""
DROPPED = 0
"""The status of a request whose connection was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request; headers and bodies are not kept, so neither is any secret."""

    at: float
    method: str
    path: str
    query: str
    status: int
    authenticated: bool


class Journal:
    """The latest requests, and counts of all."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()

    def note(self, entry: Entry, route: str) -> None:
        """Keep `entry`; it counts for `route`, the pattern that its path matched."""
        self._entries.append(entry)
        self._counts[f"{entry.method} {route} {entry.status}"] += 1

    def document(self, path: str = "", limit: int = KEPT) -> Mapping[str, Any]:
        """Return the latest `limit` entries whose path contains `path`, and all the counts."""
        chosen = [entry for entry in self._entries if path in entry.path]
        return {
            "total": self._counts.total(),
            "counts": dict(sorted(self._counts.items())),
            "requests": [asdict(entry) for entry in chosen[-limit:]] if limit > 0 else [],
        }
