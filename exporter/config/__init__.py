"""From a file, flags and the environment to a `Config`, or to every mistake in them at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from exporter.config import checks, options
from exporter.config.schema import document
from exporter.config.schema.decoder import Decoder
from exporter.config.schema.document import Scalar, read_document, text_of
from exporter.config.schema.problems import Problems
from exporter.config.schema.values import is_nothing
from exporter.config.settings import (
    Config,
    Credentials,
    Defaults,
    LogSettings,
    ShardSettings,
    StateSettings,
    Target,
    WebSettings,
)
from exporter.errors import ConfigError

__all__ = [
    "Config",
    "Credentials",
    "Defaults",
    "LogSettings",
    "Service",
    "ShardSettings",
    "StateSettings",
    "Target",
    "WebSettings",
    "load",
    "parse",
    "service",
]

MOST_PROBLEMS = 100
"""Told at once at most."""
NO_FLAGS: Mapping[str, Sequence[str]] = MappingProxyType({})


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What commands without a configuration file can be told."""

    web: WebSettings = WebSettings()
    state: StateSettings = StateSettings()
    shard: ShardSettings = ShardSettings()
    log: LogSettings = LogSettings()


def load(
    path: Path, environ: Mapping[str, str], flags: Mapping[str, Sequence[str]] = NO_FLAGS
) -> Config:
    """
    Return the configuration in a file; raise ConfigError with every mistake in it.

    `flags` are values by the name of the flag, as in `options.OPTIONS`. Paths in the file begin at
    its folder. The files of secrets and of authorities must be readable.
    """
    decoder = Decoder(environ, path.parent)
    config = _decode(text_of(path), decoder, str(path), environ, flags)
    checks.check_files(decoder.files, environ, decoder.problems)
    _raise(decoder.problems)
    return config


def parse(
    text: str,
    environ: Mapping[str, str],
    source_name: str = "the configuration",
    flags: Mapping[str, Sequence[str]] = NO_FLAGS,
) -> Config:
    """Return the configuration in `text`, as `load` does, but without a look at other files."""
    decoder = Decoder(environ, Path())
    config = _decode(text, decoder, source_name, environ, flags)
    _raise(decoder.problems)
    return config


def service(environ: Mapping[str, str], flags: Mapping[str, Sequence[str]]) -> Service:
    """Return what flags and environment say; raise ConfigError with every mistake in them."""
    decoder = Decoder(environ, Path())
    tree = options.overlay(document.Mapping(), flags, environ)
    settings: Service = decoder.read(tree, Service)
    _raise(decoder.problems)
    return settings


def _decode(
    text: str,
    decoder: Decoder,
    source_name: str,
    environ: Mapping[str, str],
    flags: Mapping[str, Sequence[str]],
) -> Config:
    """Read all there is; mistakes are in `decoder.problems`, and in their places INVALID."""
    tree = read_document(text)
    if isinstance(tree, Scalar) and is_nothing(tree):
        msg = f"{source_name} is empty: it must name credentials and targets"
        raise ConfigError([msg])
    config: Config = decoder.read(options.overlay(tree, flags, environ), Config)
    checks.check(config, decoder.problems)
    return config


def _raise(problems: Problems) -> None:
    lines = problems.lines()
    if len(lines) > MOST_PROBLEMS:
        lines = (*lines[:MOST_PROBLEMS], f"and {len(lines) - MOST_PROBLEMS} more mistakes")
    if lines:
        raise ConfigError(lines)
