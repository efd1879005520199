"""Log lines in each form."""

import json

import pytest

from exporter import log


def test_json_lines_carry_the_context(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, with level, time and the logger's context; stderr only."""
    log.configure("info", "json")
    log.get(target="roma-prod").warning("source.down", reason="auth", error="naïve \ud800 name")

    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "source.down",
        "target": "roma-prod",
        "reason": "auth",
        "error": "naïve \ud800 name",
    }


def test_logfmt_escapes_line_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile text cannot forge a line."""
    log.configure("info", "logfmt")
    log.get().info("word.unknown", word="a\nlevel=error event=forged")

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert 'event=word.unknown word="a\\nlevel=error event=forged"' in err


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("error", 1)])
def test_levels_are_filtered(capsys: pytest.CaptureFixture[str], level: str, lines: int) -> None:
    """Only lines of the level and above are written."""
    log.configure(level, "auto")
    logger = log.get()
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("poll.done")

    assert len(capsys.readouterr().err.splitlines()) == lines
