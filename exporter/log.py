"""Logs: structlog to stderr, as JSON, logfmt or for a terminal; state changes, not states."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("auto", "console", "json", "logfmt")


def configure(level: str = "info", form: str = "auto") -> None:
    """Set up logging once; `auto` is for people on a terminal and JSON everywhere else."""
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            *_renderers(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(**context: Any) -> structlog.typing.FilteringBoundLogger:
    """Return a logger that adds `context` to each line."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**context)
    return logger


def _renderers(form: str) -> list[structlog.typing.Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    plain = structlog.processors.format_exc_info
    if form == "logfmt":
        order = ["ts", "level", "event"]
        return [plain, structlog.processors.LogfmtRenderer(key_order=order, bool_as_flag=False)]
    return [plain, structlog.processors.JSONRenderer(ensure_ascii=True)]
