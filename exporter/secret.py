"""Secrets: read from a file or given by the environment, never shown."""

from pathlib import Path

from exporter.errors import ConfigError


class Secret:
    """A text that prints as `***`; one that stands in a file is read anew at each `read`."""

    def __init__(self, text: str | None = None, *, path: Path | None = None) -> None:
        """Hold `text` itself, or the file that holds it."""
        self._text = text
        self._path = path

    def read(self) -> str:
        """Return the secret as it is now, line ends stripped; raise ConfigError if unreadable."""
        if self._path is None:
            return self._text or ""
        try:
            text = self._path.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"cannot read the secret file {self._path}: {type(error).__name__}"
            raise ConfigError([msg]) from error
        if not text:
            msg = f"the secret file {self._path} is empty"
            raise ConfigError([msg])
        return text

    def __repr__(self) -> str:
        """Never show the secret."""
        return "***"
