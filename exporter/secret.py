"""Secrets: read from a file or given by the environment, never shown."""

from pathlib import Path

from exporter.errors import ConfigError

LARGEST = 64 * 1024
"""Bytes of a secret file; tokens of temporary keys are a few thousand."""


class Secret:
    """A text that prints as `***`; one that stands in a file is read anew at each `read`."""

    def __init__(self, text: str | None = None, *, path: Path | None = None) -> None:
        """Hold `text` itself, or the file that holds it."""
        self._text = text
        self._path = path

    def read(self) -> str:
        """Return the secret as it is now, line ends stripped; raise ConfigError if unreadable."""
        if self._path is None:
            return _sendable(self._text or "", "the secret")
        text = _text_of(self._path).strip("\r\n")
        if not text:
            msg = f"the secret file {self._path} is empty"
            raise ConfigError([msg])
        return _sendable(text, f"the secret file {self._path}")

    def __eq__(self, other: object) -> bool:
        """Whether the other one stands in the same place, or is the same text."""
        return isinstance(other, Secret) and self._parts == other._parts

    def __hash__(self) -> int:
        """Go by the same."""
        return hash(self._parts)

    @property
    def _parts(self) -> tuple[str | None, Path | None]:
        return (self._text, self._path)

    def __repr__(self) -> str:
        """Never show the secret."""
        return "***"


def _sendable(text: str, what: str) -> str:
    """Refuse what no header can carry, without a word of what it is."""
    if not all(char.isprintable() for char in text):
        msg = f"{what} holds a line break or another character that no password or key has"
        raise ConfigError([msg])
    return text


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        msg = f"cannot read the secret file {path}: {error.strerror}"
        raise ConfigError([msg]) from error
    if len(data) > LARGEST:
        msg = f"the secret file {path} is larger than {LARGEST // 1024} KiB"
        raise ConfigError([msg])
    try:
        return data.decode()
    except UnicodeDecodeError:
        msg = f"the secret file {path} is not text in UTF-8"
        raise ConfigError([msg]) from None  # the error holds what the file holds
