"""The configuration file as the commands use it."""

from collections.abc import Mapping
from pathlib import Path

from exporter.commands.command import PROGRAM, Given
from exporter.commands.flags import given_options
from exporter.config import Config, load
from exporter.errors import ConfigError


def load_config(given: Given, environ: Mapping[str, str]) -> Config:
    """Return what the file says, flags and variables put above; ConfigError names the file."""
    path = config_file(given)
    try:
        return load(path, environ, given_options(given))
    except ConfigError as error:
        named = (f"{path}: {text}" if text.startswith("line ") else text for text in error.problems)
        raise ConfigError(named) from error


def config_file(given: Given) -> Path:
    """Return the path of the file; raise ConfigError where none is given."""
    name: str = given["--config.file"]
    if not name:
        raise ConfigError(
            [
                "--config.file is missing: which configuration is to be used?",
                f"To see it work without one: {PROGRAM} demo",
            ]
        )
    return Path(name)
