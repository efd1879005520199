"""When FDI tasks were last changed: only their details tell, so only some are asked for it."""

from collections.abc import Collection, Mapping

from exporter.api.client import Client
from exporter.errors import SourceError
from exporter.sources.fdi.task_details import SHOW, detail_path, parse_task_detail
from exporter.sources.source import Place

CALLS = 20
"""Details that one poll reads at most."""


class Changes:
    """
    The `last_modified_date` of tasks, asked for once each, one after the other.

    The documents do not say whether switching a task on or off is such a change.
    """

    def __init__(self, client: Client, place: Place) -> None:
        """Know nothing yet."""
        self._client = client
        self._place = place
        self._asked: dict[str, float | None] = {}

    def forget(self) -> None:
        """Know nothing any more."""
        self._asked = {}

    async def read(self, listed: Collection[str], wanted: Collection[str]) -> Mapping[str, float]:
        """Return what is known of the `listed` tasks, with `wanted` ones asked for."""
        self._asked = {key: moment for key, moment in self._asked.items() if key in listed}
        for key in sorted((frozenset(wanted) - self._asked.keys()) & frozenset(listed))[:CALLS]:
            # Noted before: a call that hangs must not let poll after poll run out of time.
            self._asked[key] = None
            try:
                answer = await self._client.get(SHOW, detail_path(self._place, key))
            except SourceError:
                break  # the list is what matters; the client has counted this
            detail = parse_task_detail(answer, key, "")
            self._asked[key] = None if detail is None else detail.last_modified_date
        return {key: moment for key, moment in self._asked.items() if moment is not None}
