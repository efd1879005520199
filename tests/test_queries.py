"""docs/queries.md against a real Prometheus that scrapes the demo."""

import re
from pathlib import Path

import aiohttp
from processes import eventually, exporter, free_port, prometheus
from tools import needs

PAGE = Path(__file__).parent.parent / "docs" / "queries.md"


def queries() -> list[tuple[str, bool]]:
    """Return each query of the page, and whether the text before it says that it may be empty."""
    blocks = re.findall(r"(.*?)```promql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [
        (query.strip(), "may be empty)" in text or "May be empty" in text) for text, query in blocks
    ]


def test_the_page_has_queries() -> None:
    """The test below would pass on an empty page."""
    assert len(queries()) > 10


@needs("prometheus")
async def test_every_query_is_answered(tmp_path: Path) -> None:
    """Each parses, matches its labels, and gives data unless it asks for what is wrong."""
    async with (
        exporter("demo", "--scenario", "failing") as demo,
        aiohttp.ClientSession() as session,
    ):
        await eventually(session, f"{demo.url}/-/ready")
        target = demo.url.removeprefix("http://")
        async with prometheus(tmp_path, target, free_port()) as server:
            await server.value("count_over_time(up[1m]) > 2")
            empty = [
                query
                for query, may_be_empty in queries()
                if not await server.now(query) and not may_be_empty
            ]

            assert empty == []
