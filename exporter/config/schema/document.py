"""
A configuration file as a tree that remembers where each value stands.

The tree is built from the events of `yaml.SafeLoader` and nothing is constructed from it: aliases,
anchors and tags are refused, depth and size are bounded, so no file can make more of itself than
it is. What a value means is left to `values` and `schema`, which know the type that is wanted.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from exporter.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_NODES = 100_000
MAX_DEPTH = 16

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_HARMLESS = re.compile(r"<[a-z ]+>|[-:,?{}\[\]]")


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """One value as it is written."""

    text: str
    line: int = 0
    origin: str = ""
    """What gave the value when it was not the file: a flag or a variable of the environment."""
    plain: bool = False
    """Without quotes, so it may stand for a number, for true or false, or for nothing."""
    textual: bool = True
    """Whether YAML reads it as text; `yes`, `10` and `2024-01-01` without quotes are none."""
    shown: str | None = None
    """How messages name the value; None is the text itself, in quotes."""


class Sequence(msgspec.Struct, frozen=True, kw_only=True):
    """A list."""

    items: "tuple[Node, ...]" = ()
    line: int = 0
    origin: str = ""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and values in the order of the file; a key that is written twice is here twice."""

    entries: "tuple[Entry, ...]" = ()
    line: int = 0
    origin: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One key with its value."""

    key: str
    line: int
    value: "Node"


Node = Scalar | Sequence | Mapping


def text_of(path: Path) -> str:
    """Return what is in a file; raise ConfigError where that is no text of reasonable size."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        msg = f"cannot read {path}: it is no ordinary file"
        raise ConfigError([msg])
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return data.decode("utf-8-sig")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ConfigError([msg]) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is not text in UTF-8 (see byte {error.start})"
        raise ConfigError([msg]) from None  # the error holds the file's content


def read_document(text: str) -> Node:
    """Return the one YAML document in `text`; raise ConfigError where it cannot be one."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        msg = f"larger than {MAX_BYTES // 1024} KiB: this is no configuration file"
        raise ConfigError([msg])
    try:
        loader: Any = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"line {line}: has a control character"]) from None
    try:
        return _Builder(loader).document()
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_explain(error)]) from None  # its own text quotes the file
    finally:
        loader.dispose()


class _Builder:
    """Turns events into nodes."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader  # Any: PyYAML's stubs leave its methods and events untyped
        self._nodes = 0

    def document(self) -> Node:
        """Return the only document, or an empty value where there is none."""
        self._next()
        if self._loader.check_event(yaml.StreamEndEvent):
            return Scalar(text="", line=1, plain=True, textual=False)
        self._next()
        node = self._node(0)
        self._next()
        if not self._loader.check_event(yaml.StreamEndEvent):
            raise _refusal(self._next(), "a second document starts: one file holds only one")
        return node

    def _next(self) -> Any:
        return self._loader.get_event()

    def _node(self, depth: int) -> Node:
        event = self._next()
        self._check(event, depth)
        line = event.start_mark.line + 1
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(items=tuple(self._items(depth)), line=line)
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping(entries=tuple(self._entries(depth)), line=line)
        return self._scalar(event, line)

    def _check(self, event: Any, depth: int) -> None:
        """Refuse what could grow, and what would make something else than text of a value."""
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal(
                event,
                "anchors and aliases are not allowed; a text with & or * in front needs quotes",
            )
        if getattr(event, "tag", None) is not None:
            raise _refusal(event, "tags are not allowed; a text with ! in front needs quotes")
        if depth > MAX_DEPTH:
            raise _refusal(event, f"nested more than {MAX_DEPTH} levels deep")
        if self._nodes > MAX_NODES:
            raise _refusal(event, f"more than {MAX_NODES} values in one file")

    def _items(self, depth: int) -> list[Node]:
        items = []
        while not self._loader.check_event(yaml.SequenceEndEvent):
            items.append(self._node(depth + 1))
        self._next()
        return items

    def _entries(self, depth: int) -> list[Entry]:
        entries = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            event = self._loader.peek_event()
            key = self._node(depth + 1)
            if not isinstance(key, Scalar):
                raise _refusal(event, "a key must be a word")
            entries.append(Entry(key.text, key.line, self._node(depth + 1)))
        self._next()
        return entries

    def _scalar(self, event: Any, line: int) -> Scalar:
        text: str = event.value
        plain = not event.style
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False)) if plain else ""
        textual = not plain or tag == "tag:yaml.org,2002:str"
        return Scalar(text=text, line=line, plain=plain, textual=textual)


def _refusal(event: Any, text: str) -> ConfigError:
    """Return the error that refuses what stands at `event`."""
    return ConfigError([f"line {event.start_mark.line + 1}: {text}"])


def _explain(error: yaml.MarkedYAMLError) -> str:
    """Say what YAML complains about without what it quotes: that may be part of a secret."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or "it makes no sense"
    if r"'\t'" in problem:
        return f"line {line}: a tab stands where YAML takes only spaces"
    return f"line {line}: not valid YAML: {_QUOTED.sub(_masked, problem)}"


def _masked(quoted: re.Match[str]) -> str:
    """Keep the names of tokens and punctuation, hide all else."""
    inner = quoted.group()[1:-1]
    return inner if _HARMLESS.fullmatch(inner) else "something"
