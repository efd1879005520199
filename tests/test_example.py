"""config.example.yaml: it loads, and nothing that can be configured is missing from it."""

import inspect
import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.config import load, parse, reference
from exporter.config.schema import document
from exporter.config.schema.decoder import FILE_SUFFIX, Decoder
from exporter.config.schema.document import Node, read_document
from exporter.config.schema.problems import Path as KeyPath
from exporter.config.settings import KINDS, Config
from exporter.sources import SOURCES

PATH = Path(__file__).parent.parent / "config.example.yaml"
ENVIRON = {"OCP_PASSWORD": "hunter2-canary"}


@pytest.fixture(scope="module")
def text() -> str:
    """Return the example as it is."""
    return PATH.read_text(encoding="utf-8")


def test_the_example_has_no_mistakes(text: str) -> None:
    """Every system, every kind of credentials and every collector is in it."""
    config = parse(text, ENVIRON)

    assert {target.system for target in config.targets} == {"fdi", "dms", "ocp"}
    assert {entry.kind for entry in config.credentials.values()} == set(KINDS.types)
    assert {name for target in config.targets for name in target.collectors} == {
        source.collector for source in SOURCES
    }


def test_the_example_loads_where_its_files_exist(text: str, tmp_path: Path) -> None:
    """Only the files of secrets and authorities have to be put in place."""
    for name in ("huawei-password", "huawei-access-key", "huawei-secret-key"):
        (tmp_path / name).write_text("made-up")
    for name in ("huawei-security-token", "ocp-access-key", "ocp-secret-key"):
        (tmp_path / name).write_text("made-up")
    path = tmp_path / "config.yaml"
    here = text.replace("/run/secrets/", "").replace("/etc/ssl/private-cloud.pem", "null")
    path.write_text(here, encoding="utf-8")

    assert len(load(path, ENVIRON).targets) == 3


def test_every_key_that_exists_stands_in_the_example(text: str) -> None:
    """A key that is added to a type must be explained here; shared ones at least once."""
    reader = Recorder(ENVIRON, Path())
    reader.read(read_document(text), Config)
    walk = reference._Walk()
    list(walk.struct(Config, ""))
    existing = {
        owned(kind, field.name) for kind in walk._seen for field in msgspec.structs.fields(kind)
    }

    assert len(existing) > 50
    assert existing - reader.given == set()


def test_every_key_of_the_example_is_explained(text: str) -> None:
    """What is not plain from the name has a comment above it."""
    lines = [line.strip() for line in text.splitlines()]
    explained = {
        line.removeprefix("- ").split(":")[0]
        for above, line in itertools.pairwise(lines)
        if above.startswith("#")
    }

    assert {
        *("listen_address", "telemetry_path", "level", "format", "request_timeout", "limit"),
        *("iam_endpoint", "domain", "project", "tls", "security_token_file", "name", "endpoint"),
        *("project_id", "credentials", "labels", "rate_limit", "ca_file", "engine", "collectors"),
        *("region", "allow_http"),
        *("insecure_skip_verify", "enabled", "timeout", "stale_after", "per_task", "page_size"),
        *("stuck_after", "window", "details_per_poll", "task_ids"),
    } <= explained


Key = tuple[str, str]


class Recorder(Decoder):
    """Remembers which keys of which types a file gives."""

    given: set[Key]

    def _struct(self, node: Node, kind: Any, path: KeyPath, choice: str = "") -> Any:
        self.given = getattr(self, "given", set())
        if isinstance(node, document.Mapping):
            keys = {entry.key.removesuffix(FILE_SUFFIX) for entry in node.entries}
            keys |= {entry.key for entry in node.entries}
            self.given |= {owned(kind, key) for key in keys if key in kind.__struct_fields__}
        return super()._struct(node, kind, path, choice)


def owned(kind: type, key: str) -> Key:
    """Return the key with the type that brought it up first."""
    owners = [one for one in kind.__mro__ if key in inspect.get_annotations(one)]
    return f"{owners[-1].__module__}.{owners[-1].__name__}", key
