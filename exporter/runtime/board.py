"""The page that is being shown; replaced as a whole, never changed."""

from collections.abc import Mapping

from exporter.exposition.page import Owner, Page
from exporter.exposition.shard import Shard


class Board:
    """Holds the present page for whoever serves it."""

    def __init__(self, page: Page) -> None:
        """Start with `page`, usually an empty one."""
        self.page = page

    def publish(self, owner: Owner, shards: Mapping[str, Shard]) -> None:
        """Show `shards` in the place of those of the same families and owner."""
        self.page = self.page.replace(owner, shards)

    def remove(self, owner: Owner) -> None:
        """Take all that `owner` shows away."""
        self.page = self.page.without(owner)

    def retire(self, owner: Owner) -> None:
        """Take the gauges of `owner` away; what was counted stays."""
        self.page = self.page.without_gauges(owner)
