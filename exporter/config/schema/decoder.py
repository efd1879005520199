"""
From the tree of a file to typed settings: strict, and with every mistake at once.

The types are the schema. A value is a msgspec Struct, a tuple or list, a mapping from names, one of
the single values of `values`, a Literal or StrEnum, a `Secret`, or any of these or None; where
a number or a word is taken, the Literal stands in front. Inside `Annotated` there may stand a
`msgspec.Meta` with bounds, a function that raises ValueError for what it does not take (without
repeating it), a `Choice` or `Members`.
"""

import operator
import types
from collections import abc
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from exporter.config.schema import document, values
from exporter.config.schema.document import Entry, Node, Scalar
from exporter.config.schema.problems import Path, Problems
from exporter.duration import Duration, format_duration
from exporter.secret import Secret

INVALID = msgspec.UNSET
"""Stands where a value had a mistake, so that all else can still be read and checked."""

FILE_SUFFIX = "_file"

_BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("ge", operator.ge, "at least"),
    ("gt", operator.gt, "more than"),
    ("le", operator.le, "at most"),
    ("lt", operator.lt, "less than"),
)


class Choice(msgspec.Struct, frozen=True):
    """The value of `key` says of which type the mapping is; that type holds the other keys."""

    key: str
    types: Mapping[str, Any]
    wrap: Callable[[str, Any], Any] = lambda _, value: value
    """Makes the result of the word and of what was read."""


class Members(msgspec.Struct, frozen=True):
    """The keys of a mapping and the type of each; one that is left out takes its defaults."""

    types: Mapping[str, Any]
    elsewhere: Mapping[str, str] = {}
    """Keys that people look for here, and what to say of each."""

    def defaults(self) -> Mapping[str, Any]:
        """Return the mapping that leaves out every key."""
        return {key: kind() for key, kind in self.types.items()}


class Decoder:
    """Reads the values of a tree; `problems` gathers the mistakes, `files` every file named."""

    def __init__(self, environ: Mapping[str, str], directory: FilePath) -> None:
        """Take the environment for `${NAME}`, and where relative paths begin."""
        self.problems = Problems()
        self.files: dict[Path, FilePath] = {}
        self._environ = environ
        self._directory = directory

    def read(self, node: Node, kind: Any, path: Path = (), line: int | None = None) -> Any:
        """Return the value at `path`, INVALID in its place or inside it where it has a mistake."""
        self.problems.place(path, node, line)
        if isinstance(node, Scalar):
            try:
                node = values.expand(node, self._environ)
            except ValueError as error:
                return self._refuse(path, str(error))
        return self._value(node, kind, path)

    def _value(self, node: Node, kind: Any, path: Path) -> Any:
        origin = get_origin(kind)
        if origin is Annotated:
            return self._annotated(node, kind, path)
        if origin in (Union, types.UnionType):
            return self._optional(node, kind, path)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(node, kind, path)
        if origin in (tuple, list):
            return self._items(node, get_args(kind)[0], path)
        if origin in (abc.Mapping, dict):
            return self._names(node, *get_args(kind), path=path)
        return self._single(node, kind, path)

    def _refuse(self, path: Path, text: str) -> Any:
        self.problems.add(path, text)
        return INVALID

    def _single(self, node: Node, kind: Any, path: Path) -> Any:
        if not isinstance(node, Scalar):
            return self._refuse(path, f"must be a single value, not {_form(node)}")
        if values.is_nothing(node):
            return self._refuse(path, "is empty")
        try:
            if get_origin(kind) is Literal:
                return values.one_of(node, get_args(kind))
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                return kind(values.one_of(node, values.words_of(kind)))
            value = values.READERS[get_origin(kind) or kind](node)
        except ValueError as error:
            return self._refuse(path, str(error))
        if isinstance(value, FilePath):
            # What a flag names begins where the program was started, as in any other program.
            value = self.files[path] = value if node.origin else self._directory / value
        return value

    def _optional(self, node: Node, kind: Any, path: Path) -> Any:
        if isinstance(node, Scalar) and values.is_nothing(node):
            return None
        *words, inner = (arg for arg in get_args(kind) if arg is not types.NoneType)
        is_word = isinstance(node, Scalar) and node.text[:1].isalpha()
        return self._value(node, words[0] if words and is_word else inner, path)

    def _annotated(self, node: Node, kind: Any, path: Path) -> Any:
        inner, *notes = get_args(kind)
        for note in notes:
            if isinstance(note, Choice):
                return self._choice(node, note, path)
            if isinstance(note, Members):
                return self._members(node, note, path)
        value = self._value(node, inner, path)
        if value is INVALID:
            return INVALID
        try:
            for note in notes:
                _check(value, inner, note)
        except ValueError as error:
            return self._refuse(path, str(error))
        return value

    def _items(self, node: Node, kind: Any, path: Path) -> Any:
        if not isinstance(node, document.Sequence):
            return self._refuse(path, f"must be a list, not {_form(node)}")
        return tuple(self.read(item, kind, (*path, at)) for at, item in enumerate(node.items))

    def _names(self, node: Node, name: Any, kind: Any, *, path: Path) -> Any:
        entries = self._entries(node, path)
        if entries is None:
            return INVALID
        named = {}
        for key, entry in entries.items():
            here = (*path, key)
            value = self.read(entry.value, kind, here, entry.line)
            if self._annotated(Scalar(text=key), Annotated[name, None], here) is not INVALID:
                named[key] = value
        return named

    def _members(self, node: Node, members: Members, path: Path) -> Any:
        entries = self._entries(node, path, members.types, members.elsewhere)
        if entries is None:
            return INVALID
        return {
            **members.defaults(),
            **{
                key: self.read(entry.value, members.types[key], (*path, key), entry.line)
                for key, entry in entries.items()
            },
        }

    def _choice(self, node: Node, choice: Choice, path: Path) -> Any:
        if not isinstance(node, document.Mapping):
            return self._refuse(path, f"must be a mapping, not {_form(node)}")
        here = (*path, choice.key)
        entry = next((entry for entry in node.entries if entry.key == choice.key), None)
        if entry is None:
            return self._refuse(here, f"is missing: one of {', '.join(choice.types)}")
        word = self.read(entry.value, Literal[tuple(choice.types)], here, entry.line)
        if word is INVALID:
            return INVALID
        return choice.wrap(word, self._struct(node, choice.types[word], path, choice.key))

    def _struct(self, node: Node, kind: Any, path: Path, choice: str = "") -> Any:
        fields = msgspec.structs.fields(kind)
        entries = self._entries(node, path, [*([choice] if choice else []), *keys_of(kind)])
        if entries is None:
            return INVALID
        found = {}
        for field in fields:
            if is_secret(field.type):
                value = self._secret(entries, field, path)
            elif field.name in entries:
                entry = entries[field.name]
                value = self.read(entry.value, field.type, (*path, field.name), entry.line)
            elif field.required:
                value = self._refuse((*path, field.name), "is missing")
            else:
                continue
            found[field.name] = value
        return kind(**found)

    def _secret(
        self, entries: Mapping[str, Entry], field: msgspec.structs.FieldInfo, path: Path
    ) -> Any:
        """Read a secret from its key or from the file that the key with `_file` names."""
        name, file_name = field.name, field.name + FILE_SUFFIX
        if name in entries and file_name in entries:
            return self._refuse((*path, name), f"give either {name} or {file_name}, not both")
        key = name if name in entries else file_name
        if key not in entries:
            if not field.required:
                return field.default
            return self._refuse((*path, name), f"is missing: give {name} or {file_name}")
        here, entry = (*path, key), entries[key]
        value = self.read(entry.value, FilePath if key == file_name else str, here, entry.line)
        if value is INVALID:
            return INVALID
        if not value:
            return self._refuse(here, "is empty")
        return Secret(path=value) if isinstance(value, FilePath) else Secret(value)

    def _entries(
        self,
        node: Node,
        path: Path,
        known: Collection[str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> dict[str, Entry] | None:
        """Return the entries by key; keys that are unknown or written twice are mistakes."""
        if not isinstance(node, document.Mapping):
            self._refuse(path, f"must be a mapping, not {_form(node)}")
            return None
        entries: dict[str, Entry] = {}
        for entry in node.entries:
            here = (*path, entry.key)
            self.problems.place(here, entry.value, entry.line)
            if entry.key in entries:
                first = entries[entry.key].line
                self.problems.add(here, f"is given twice; the first is on line {first}")
            elif known is not None and entry.key not in known:
                self.problems.add(here, _unknown(entry.key, known, elsewhere or {}))
            else:
                entries[entry.key] = entry
        return entries


def keys_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the keys that a mapping of that type may hold."""
    keys: list[str] = []
    for field in msgspec.structs.fields(kind):
        keys.append(field.name)
        if is_secret(field.type):
            keys.append(field.name + FILE_SUFFIX)
    return tuple(keys)


def is_secret(kind: Any) -> bool:
    """Whether a field of that type holds a secret."""
    return kind is Secret or Secret in get_args(kind)


def _check(value: Any, kind: Any, note: Any) -> None:
    """Raise ValueError if `value` breaks what one annotation asks."""
    if callable(note):
        note(value)
    if not isinstance(note, msgspec.Meta):
        return
    for name, holds, words in _BOUNDS:
        bound = getattr(note, name)
        if bound is not None and not holds(value, bound):
            written = format_duration(bound) if kind is Duration else str(bound)
            msg = f"must be {words} {written}"
            raise ValueError(msg)
    if note.min_length is not None and len(value) < note.min_length:
        msg = "must not be empty" if not value else f"must have at least {note.min_length} entries"
        raise ValueError(msg)


def _unknown(key: str, known: Collection[str], elsewhere: Mapping[str, str]) -> str:
    hint = values.nearest(key, known) or f"; known here: {', '.join(sorted(known))}"
    return f"unknown key{'; ' + elsewhere[key] if key in elsewhere else hint}"


def _form(node: Node) -> str:
    """Say what a node is, without its content."""
    if isinstance(node, document.Mapping):
        return "a mapping"
    if isinstance(node, document.Sequence):
        return "a list"
    return "empty" if values.is_nothing(node) else "a single value"
