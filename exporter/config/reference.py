"""
The reference of the configuration, as Markdown, from the types in `settings` and their texts.

A key's text is the string below it in the class; Python keeps none at run time, so the source is
read. A key without a text is a bug, and `configuration_page` raises LookupError for it.
"""

import ast
import inspect
import itertools
import re
import textwrap
import types
from collections import abc
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec

from exporter.config.options import OPTIONS
from exporter.config.schema.decoder import FILE_SUFFIX, Choice, Members, is_secret
from exporter.config.settings import Config
from exporter.config.web_file import WebFile
from exporter.duration import Duration, format_duration
from exporter.secret import Secret

_INTRODUCTION = """\
# Configuration

<!-- Written by `make docs` from the types in exporter/; edit those. -->

One YAML file, given as `--config.file` or `CLOUD_TASK_EXPORTER_CONFIG_FILE`; `config.example.yaml`
shows every key. `cloud-task-exporter check --config.file my.yaml` names every mistake at once; with
a mistake nothing starts.

- Durations are written as Prometheus does: `30s`, `5m`, `1h30m`, `14d`. A number without a unit is
  refused.
- `${NAME}` in a value is replaced by that variable of the environment, which must exist; `$${`
  stands for `${` itself.
- A secret `x` is given as `x: text` or as `x_file: path`, never both. The file is read again when
  it is needed, so a new secret takes effect without a restart. Line ends around it are ignored.
- Relative paths begin at the folder of the configuration file. Files that are named must be
  readable.
- Regular expressions are Python's and match anywhere in a name; anchor them with `^` and `$`.
- Unknown keys, keys given twice, and YAML's anchors, aliases and tags are refused.
- A flag stands above its variable of the environment, and that above the file. An empty variable
  counts as none; commas separate several addresses in one.
"""
_WEB_FILE = "The file that `web.config_file` names"
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Duration: "duration",
    re.Pattern: "regular expression",
    ZoneInfo: "time zone",
    Path: "path",
    Secret: "secret",
}


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One table: the keys of one type."""

    title: str
    text: str
    rows: tuple[tuple[str, ...], ...]
    """Key, type, default, meaning."""


def configuration_page() -> str:
    """Return docs/configuration.md."""
    rows = tuple((f"`{'.'.join(o.key)}`", f"`{o.flag}`", f"`{o.variable}`") for o in OPTIONS)
    flags = _table(("key", "flag", "variable"), rows)
    header = ("key", "type", "default", "meaning")
    sections = (
        f"\n## {section.title}\n\n{section.text}\n\n{_table(header, section.rows)}"
        for section in (*sections_of(Config), *sections_of(WebFile, _WEB_FILE))
    )
    return f"{_INTRODUCTION}\n{flags}{''.join(sections)}"


def sections_of(kind: Any, heading: str = "") -> Iterator[Section]:
    """Yield the tables of a type and of all types inside it, each type once, outermost first."""
    return _Walk().struct(kind, "", heading=heading)


def text_of(kind: type, field: str) -> str:
    """Return the text of a key; raise LookupError where it has none."""
    for owner in kind.__mro__[: kind.__mro__.index(msgspec.Struct)]:
        if field in _texts(owner):
            return _texts(owner)[field]
    msg = f"{kind.__name__}.{field} has no text below it"
    raise LookupError(msg)


class _Walk:
    """Goes through types and remembers which were shown."""

    def __init__(self) -> None:
        self._seen: set[type] = set()

    def struct(
        self, kind: Any, title: str, base: Any = None, choice: Any = (), heading: str = ""
    ) -> Iterator[Section]:
        """Yield the section of one type, without the keys of `base`, and what is inside it."""
        if kind in self._seen:
            return
        self._seen.add(kind)
        fields = [
            field for field in msgspec.structs.fields(kind) if _is_own(kind, base, field.name)
        ]
        rows = (*choice, *(_row(kind, field) for field in fields if not _members_of(field.type)))
        if rows:
            text = textwrap.fill(inspect.getdoc(kind) or "", 110)
            yield Section(
                title=heading or (f"`{title}`" if title else "Top level"), text=text, rows=rows
            )
        for field in fields:
            yield from self._inside(field.type, f"{title}.{field.name}" if title else field.name)

    def _inside(self, kind: Any, title: str) -> Iterator[Section]:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from self.struct(kind, title)
        elif get_origin(kind) is Annotated:
            inner, *notes = get_args(kind)
            choice = next((note for note in notes if isinstance(note, Choice)), None)
            if choice is not None:
                yield from self._choice(inner, choice, title)
                return
            yield from self._inside(inner, title)
            for key, member in _members_of(kind).items():
                yield from self.struct(member, f"{title}.{key}", inspect.getmro(member)[1])
        elif get_origin(kind) is abc.Mapping:
            yield from self._inside(get_args(kind)[1], f"{title}.NAME")
        else:
            suffix = "[]" if get_origin(kind) is tuple else ""
            for inner in get_args(kind):
                yield from self._inside(inner, f"{title}{suffix}")

    def _choice(self, base: Any, choice: Choice, title: str) -> Iterator[Section]:
        """Yield what all choices have in common, then each of them."""
        words = ", ".join(f"`{word}`" for word in choice.types)
        row = (
            f"`{choice.key}`",
            f"one of {words}",
            "required",
            "Decides which other keys there are.",
        )
        shares = all(issubclass(kind, base) for kind in choice.types.values())
        if shares:
            yield from self.struct(base, title, choice=(row,))
        else:
            yield Section(title=f"`{title}`", text=inspect.getdoc(base) or "", rows=(row,))
        for word, kind in choice.types.items():
            heading = f"`{title}` with `{choice.key}: {word}`"
            yield from self.struct(kind, title, base if shares else None, heading=heading)


def _members_of(kind: Any) -> Mapping[str, Any]:
    """Return the members that an annotation names, if it does."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((note.types for note in notes if isinstance(note, Members)), {})


def _is_own(kind: type, base: type | None, field: str) -> bool:
    """Whether a class between `kind` and `base` declares the field."""
    owners = kind.__mro__[: kind.__mro__.index(base)] if base else kind.__mro__
    return any(field in inspect.get_annotations(owner) for owner in owners)


def _row(kind: type, field: msgspec.structs.FieldInfo) -> tuple[str, ...]:
    key = f"`{field.name}`"
    if is_secret(field.type):
        key += f" or `{field.name}{FILE_SUFFIX}`"
    meaning = " ".join(text_of(kind, field.name).replace("None", "none").split())
    return key, type_text(field.type), _default_text(field), meaning


def type_text(kind: Any) -> str:
    """Return a type in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(args[0]) + "".join(_bounds_text(note) for note in args[1:])
    if origin is Literal:
        return "one of " + ", ".join(f"`{word}`" for word in args)
    if origin in (Union, types.UnionType):
        return " or ".join(type_text(arg) for arg in args if arg is not types.NoneType)
    if origin is tuple:
        return f"list of {type_text(args[0])}"
    if origin is abc.Mapping or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return "mapping"
    return _WORDS[origin or kind]


def _bounds_text(note: Any) -> str:
    if not isinstance(note, msgspec.Meta):
        return ""
    bounds = (("from", note.ge), ("above", note.gt), ("to", note.le), ("below", note.lt))
    found = [f"{word} {bound}" for word, bound in bounds if bound is not None]
    return f" {' '.join(found)}" if found else ""


def _default_text(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is None:
        return "none"
    if value is msgspec.NODEFAULT or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, re.Pattern):
        value = value.pattern
    elif isinstance(value, tuple):
        value = "[" + ", ".join(f'"{item}"' for item in value) + "]"
    elif isinstance(value, bool):
        value = str(value).lower()
    elif Duration in (field.type, *get_args(field.type)):
        value = format_duration(value)
    return f"`{value}`"


@cache
def _texts(kind: type) -> Mapping[str, str]:
    """Return the texts in the body of one class, by field."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: text.value.value
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _table(header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    cells = tuple(header)
    lines = (cells, ("---",) * len(cells), *rows)
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )
