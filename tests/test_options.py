"""Flags and variables of the environment above the configuration file."""

from collections.abc import Mapping, Sequence

import pytest

from exporter.config import parse, service
from exporter.config.options import OPTIONS
from exporter.config.settings import LogSettings
from exporter.errors import ConfigError

CANARY = "hunter2-canary"
GOOD = """\
credentials:
  ocp: {kind: basic, username: viewer, password: secret}
targets:
  - {name: ocp, system: ocp, endpoint: "https://ocp.example", credentials: ocp}
"""


def test_flags_stand_above_the_environment_and_that_above_the_file() -> None:
    """Every flag has a key and a variable; an empty variable counts as none."""
    text = f"web: {{listen_address: [':1'], telemetry_path: /file}}\nlog: {{level: error}}\n{GOOD}"
    environ = {
        "CLOUD_TASK_EXPORTER_WEB_LISTEN_ADDRESS": ":2, 127.0.0.1:3",
        "CLOUD_TASK_EXPORTER_WEB_TELEMETRY_PATH": "/variable",
        "CLOUD_TASK_EXPORTER_LOG_LEVEL": "",
        "CLOUD_TASK_EXPORTER_LOG_FORMAT": "json",
        "CLOUD_TASK_EXPORTER_PORT": "tcp://10.0.0.1:10047",
    }
    config = parse(text, environ, flags={"--web.telemetry-path": ["/first", "/flag"]})

    assert config.web.listen_address == (":2", "127.0.0.1:3")
    assert config.web.telemetry_path == "/flag"
    assert (config.log.level, config.log.format) == ("error", "json")


def test_mistakes_in_flags_and_variables_are_named_by_them() -> None:
    """The value of a variable is not repeated; it may be anything."""
    environ = {
        "CLOUD_TASK_EXPORTER_LOG_LEVEL": CANARY,
        "CLOUD_TASK_EXPORTER_WEB_LISTEN_ADDRESS": ":1,x",
    }
    with pytest.raises(ConfigError) as caught:
        parse(GOOD, environ, flags={"--log.format": ["xml"]})

    assert caught.value.problems == (
        (
            "CLOUD_TASK_EXPORTER_WEB_LISTEN_ADDRESS: web.listen_address[1]: must be an address"
            " to listen on, like :10047, 127.0.0.1:10047 or [::1]:10047"
        ),
        (
            "CLOUD_TASK_EXPORTER_LOG_LEVEL: log.level: its value is not one of debug, info,"
            " warning, error"
        ),
        "--log.format: log.format: 'xml' is not one of auto, console, json, logfmt",
    )


def test_a_flag_does_not_hide_a_mistake_in_the_file() -> None:
    """The section is still read, and a key given twice is still one too many."""
    text = f"log: {{levl: info}}\nweb: [a]\n{GOOD}"
    with pytest.raises(ConfigError) as caught:
        parse(text, {}, flags={"--log.level": ["debug"], "--web.telemetry-path": ["/x"]})

    assert caught.value.problems == (
        "line 1: log.levl: unknown key; did you mean level?",
        "line 2: web: must be a mapping, not a list",
    )


def test_every_option_is_a_key() -> None:
    """No flag without its key, so that whatever is on a command line can be in a file."""
    config = parse(GOOD, {})

    assert all(hasattr(getattr(config, option.key[0]), option.key[1]) for option in OPTIONS)


def test_commands_without_a_file_take_the_same_flags() -> None:
    """The demo is told where to listen as the daemon is."""
    flags: Mapping[str, Sequence[str]] = {"--web.listen-address": [":1"]}
    settings = service({"CLOUD_TASK_EXPORTER_LOG_LEVEL": "debug"}, flags)

    assert settings.web.listen_address == (":1",)
    assert settings.log == LogSettings(level="debug")
    with pytest.raises(ConfigError, match=r"--web\.listen-address: web\.listen_address"):
        service({}, {"--web.listen-address": ["x"]})
