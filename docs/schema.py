"""
The generated parts of the chart's values.schema.json; the rest of it is written by hand.

What the exporter's configuration may hold comes from its types, so that `helm install` refuses an
unknown key before a pod does. Values are left to the exporter: `${NAME}` may stand for each.
What Kubernetes defines comes from the schemas of kubernetes-validate, where those are installed.
"""

# ruff: noqa: INP001 - a script that lies beside the pages it writes

import json
import types
from collections import abc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from docs.chart import CHART
from exporter.config.schema.decoder import FILE_SUFFIX, Choice, Members, is_secret
from exporter.config.settings import Config

SCHEMA = CHART / "values.schema.json"
CHECKERS = Path(__file__).parent.parent / ".venv" / "checkers"
"""The environment that `.ci/tools` makes in CI."""
SCALAR = {"type": ["string", "number", "boolean", "null"]}

Schema = dict[str, Any]

_ANY = {"$ref": "#/definitions/scalar"}
_ROOTS = (
    *("Affinity", "Container", "EnvFromSource", "EnvVar", "LocalObjectReference"),
    *("PodSecurityContext", "ResourceRequirements", "SecurityContext", "Toleration"),
    *("TopologySpreadConstraint", "Volume", "VolumeMount"),
)
_CORE, _PEER = "io.k8s.api.core.v1.", "io.k8s.api.networking.v1.NetworkPolicyPeer"


def values_schema() -> str:
    """Return values.schema.json with these parts anew."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["properties"]["config"] = config_schema()
    schema["definitions"]["scalar"] = SCALAR
    if (newest := newest_definitions()) is not None:
        own = {key: each for key, each in schema["definitions"].items() if "." not in key}
        known = json.loads(newest.read_text(encoding="utf-8"))["$defs"]
        schema["definitions"] = {**own, **closure(known)}
    return _text(schema)


def newest_definitions() -> Path | None:
    """Return the file with the strict schemas of the newest Kubernetes, if it is installed."""
    pattern = "lib/*/site-packages/kubernetes_validate/*/v*-local-strict/_definitions.json"
    return max(CHECKERS.glob(pattern), key=_version, default=None)


def closure(known: Mapping[str, Any]) -> Schema:
    """Return the definitions that the chart's values need, and those that these need."""
    waiting, found = [*(_CORE + root for root in _ROOTS), _PEER], {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _bare(known[name])
            waiting += _references(found[name])
    return dict(sorted(found.items()))


def config_schema() -> Schema:
    """Return which keys the configuration file may hold; an empty one is checked elsewhere."""
    schema = _struct(Config)
    del schema["required"]
    return schema


def _text(schema: Schema) -> str:
    """Write each part that is generated on a line of its own, and the rest for people."""
    parts = {"@config": schema["properties"].pop("config")}
    names = [name for name in schema["definitions"] if "." in name]
    parts |= {f"@{name}": schema["definitions"].pop(name) for name in names}
    schema["properties"]["config"] = "@config"
    schema["definitions"] |= {name: f"@{name}" for name in names}
    text = json.dumps(schema, indent=2) + "\n"
    for mark, part in parts.items():
        text = text.replace(f'"{mark}"', json.dumps(part))
    return text


def _schema(kind: Any) -> Schema:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        *_, inner = (each for each in arguments if each is not types.NoneType)
        return _schema(inner)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is abc.Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    return _ANY


def _annotated(inner: Any, notes: tuple[Any, ...]) -> Schema:
    for note in notes:
        if isinstance(note, Choice):
            return _choice(note)
        if isinstance(note, Members):
            return _closed({key: _schema(member) for key, member in note.types.items()})
    return _schema(inner)


def _choice(choice: Choice) -> Schema:
    word = {choice.key: {"enum": list(choice.types)}}
    cases = [
        {"if": {"properties": {choice.key: {"const": name}}}, "then": _struct(kind, choice.key)}
        for name, kind in choice.types.items()
    ]
    return {"type": "object", "required": [choice.key], "properties": word, "allOf": cases}


def _struct(kind: Any, choice: str = "") -> Schema:
    properties: Schema = {choice: _ANY} if choice else {}
    required = []
    for field in msgspec.structs.fields(kind):
        properties[field.name] = _schema(field.type)
        if is_secret(field.type):
            properties[field.name + FILE_SUFFIX] = _ANY
        elif field.required:
            required.append(field.name)
    schema = _closed(properties)
    return {**schema, "required": required} if required else schema


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _bare(schema: Any) -> Any:
    """Return a schema without its texts, its references as draft 7 has them."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema.replace("#/$defs/", "#/definitions/") if isinstance(schema, str) else schema
    return {key: _bare(each) for key, each in schema.items() if not _is_text(key, each)}


def _is_text(key: str, value: Any) -> bool:
    """Whether it only explains; a property may have such a name too, but then it is a mapping."""
    dropped = key in {"description", "format", "default"} or key.startswith("x-kubernetes")
    return dropped and not (isinstance(value, dict) and value)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(name := schema.get("$ref"), str):
            yield name.rpartition("/")[2]
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else ():
        yield from _references(each)


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parent.name.split("-")[0][1:].split("."))
