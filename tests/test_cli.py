"""The commands: what they take, what they print, how they end."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docs.generate import FOLDER
from exporter import __version__, app
from exporter.catalogue import families
from exporter.cli import main
from exporter.commands import COMMANDS
from exporter.commands.arguments import parse
from exporter.commands.command import FAILED, OK, UNUSABLE
from exporter.commands.demo import ADDRESS
from exporter.config import Config, LogSettings, WebSettings
from exporter.errors import StateError
from exporter.simulator.scenarios import SCENARIOS

CANARY = "hunter2-canary"
GOOD = """\
credentials:
  ocp: {kind: basic, username: viewer, password: hunter2-canary}
targets:
  - {name: ocp, system: ocp, endpoint: "https://ocp.example", credentials: ocp}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a configuration without mistakes."""
    path = tmp_path / "my.yaml"
    path.write_text(GOOD)
    return path


class Stage:
    """Stands in for what runs: remembers how it was started."""

    def __init__(self, outcome: int | BaseException = 0) -> None:
        """End with that exit code, or error."""
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._outcome = outcome

    def act(self, name: str) -> Any:
        """Return a coroutine function of that name."""

        async def run(*args: Any, **kwargs: Any) -> int:
            self.calls.append((name, args, kwargs))
            if isinstance(self._outcome, BaseException):
                raise self._outcome
            return self._outcome

        return run


def staged(monkeypatch: pytest.MonkeyPatch, outcome: int | BaseException = 0) -> Stage:
    """Put the stand-in where the commands look."""
    stage = Stage(outcome)
    for name in ("run_daemon", "run_demo", "run_simulator"):
        monkeypatch.setattr(app, name, stage.act(name))
    return stage


def stopped(capsys: pytest.CaptureFixture[str], *arguments: str, **environ: str) -> str:
    """Return the complaint about wrong usage, which ends the process with 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments, environ)
    assert caught.value.code == UNUSABLE
    return capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["run"]])
def test_run_is_the_default_command(
    monkeypatch: pytest.MonkeyPatch, path: Path, command: list[str]
) -> None:
    """The daemon gets the configuration, flags put above the file."""
    stage = staged(monkeypatch)
    flags = ["--config.file", str(path), "--web.listen-address", ":1", "--log.level=debug"]
    code = main([*command, *flags, "--web.listen-address", ":2"], {})
    ((name, (config,), _),) = stage.calls

    assert (code, name) == (OK, "run_daemon")
    assert isinstance(config, Config)
    assert config.web.listen_address == (":1", ":2")
    assert config.log.level == "debug"


def test_the_file_can_be_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """As everything that a flag can say."""
    stage = staged(monkeypatch)
    environ = {
        "CLOUD_TASK_EXPORTER_CONFIG_FILE": str(path),
        "CLOUD_TASK_EXPORTER_WEB_TELEMETRY_PATH": "/m",
    }

    assert main([], environ) == OK
    assert stage.calls[0][1][0].web.telemetry_path == "/m"


@pytest.mark.parametrize("code", [OK, FAILED])
def test_the_exit_code_is_that_of_what_ran(
    monkeypatch: pytest.MonkeyPatch, path: Path, code: int
) -> None:
    """0 after a signal to end, 1 where it broke."""
    staged(monkeypatch, code)

    assert main(["--config.file", str(path)], {}) == code


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(98, "address already in use"), "address already in use"),
        (StateError("the state file is locked"), "the state file is locked"),
        (KeyboardInterrupt(), ""),
    ],
)
def test_what_fails_while_running_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: Path,
    error: BaseException,
    message: str,
) -> None:
    """A port that is taken is no reason for a traceback."""
    staged(monkeypatch, error)

    assert main(["--config.file", str(path)], {}) == FAILED
    assert capsys.readouterr().err == (f"cloud-task-exporter: {message}\n" if message else "")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Only what users and machines do wrong is told in a line."""
    staged(monkeypatch, LookupError("a bug"))

    with pytest.raises(LookupError):
        main(["--config.file", str(path)], {})


def test_demo_runs_on_loopback_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is needed, and no account."""
    stage = staged(monkeypatch)
    code = main(["demo"], {})

    assert code == OK
    assert stage.calls == [
        (
            "run_demo",
            (),
            {
                "scenario": "healthy",
                "seed": 1,
                "speed": 1.0,
                "web": WebSettings(listen_address=(ADDRESS,)),
                "log": LogSettings(),
            },
        )
    ]


def test_demo_takes_flags_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags stand above variables here, too."""
    stage = staged(monkeypatch)
    environ = {
        "CLOUD_TASK_EXPORTER_SCENARIO": "stuck",
        "CLOUD_TASK_EXPORTER_SEED": "7",
        "CLOUD_TASK_EXPORTER_WEB_LISTEN_ADDRESS": ":5",
        "CLOUD_TASK_EXPORTER_LOG_FORMAT": "json",
    }
    main(["demo", "--seed", "8", "--speed", "2.5"], environ)
    ((_, _, settings),) = stage.calls

    assert settings == {
        "scenario": "stuck",
        "seed": 8,
        "speed": 2.5,
        "web": WebSettings(listen_address=(":5",)),
        "log": LogSettings(format="json"),
    }


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("127.0.0.1:0", "127.0.0.1", 0), (":8000", "0.0.0.0", 8000), ("[::1]:80", "::1", 80)],  # noqa: S104 - what `:8000` means
)
def test_simulate_is_told_where_to_listen(
    monkeypatch: pytest.MonkeyPatch, address: str, host: str, port: int
) -> None:
    """Without a host it is every address of the machine."""
    stage = staged(monkeypatch)
    code = main(["simulate", "--listen-address", address, "--scenario", "outage"], {})

    assert code == OK
    assert stage.calls == [
        (
            "run_simulator",
            (),
            {"scenario": "outage", "seed": 1, "host": host, "port": port, "log": LogSettings()},
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["chek"], "argument COMMAND: invalid choice: 'chek'"),
        (["run", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["--config.fil", "x"], "unrecognized arguments: --config.fil x"),
        (["run", "--config.file"], "argument --config.file: expected one argument"),
        (["demo", "--seed", "x"], "argument --seed: must be a whole number"),
        (["demo", "--seed", "-1"], "argument --seed: "),
        (["demo", "--speed", "0"], "argument --speed: must be a number above 0, and 3600 at most"),
        (["demo", "--speed", "nan"], "argument --speed: must be a number above 0"),
        (["demo", "--scenario", "x"], f"must be one of {', '.join(SCENARIOS)}"),
        (["simulate", "--listen-address", "99"], "must be an address to listen on"),
        (["simulate", "--listen-address", ":99999"], "has a port over 65535"),
        (["metrics", "--format", "xml"], "argument --format: must be one of markdown, json"),
        (["check", "--log.level", "debug"], "unrecognized arguments: --log.level debug"),
        (["check", "--online", "maybe"], "argument --online: must be one of true, false"),
        (["collect", "--format", "xml"], "must be one of text, openmetrics, json"),
        (["explain"], "the following arguments are required: METRIC"),
        (["collect", "--dump="], "--dump: needs a value, and was given an empty one"),
        (["collect", "--target", ""], "--target: needs a value, and was given an empty one"),
        (["collect", "--target=a", "--target=b"], "--target: was given twice; only one "),
        (["run", "--log.level=info", "--log.level=debug"], "--log.level: was given twice; "),
    ],
)
def test_wrong_usage_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    """With the usage and one line that says what is wrong."""
    told = stopped(capsys, *arguments)

    assert told.startswith("usage: cloud-task-exporter")
    assert complaint in told


@pytest.mark.parametrize("flag", ["SCENARIO", "SEED", "SPEED"])
def test_wrong_variables_are_not_repeated(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    """What is in the environment may be anything."""
    told = stopped(capsys, "demo", **{f"CLOUD_TASK_EXPORTER_{flag}": CANARY})

    assert f"argument --{flag.lower()}: must be " in told
    assert CANARY not in told


BAD_FILES: list[tuple[bytes | None, str]] = [
    (None, "cannot read {path}: No such file or directory"),
    (b"\xff\xfe", "{path} is not text in UTF-8 (see byte 0)"),
    (b"", "{path} is empty: it must name credentials and targets"),
    (b"a: [", "{path}: line 1: not valid YAML: "),
    (
        GOOD.replace("kind", "knd").encode(),
        "{path}: line 2: credentials.ocp.kind: is missing: one of",
    ),
]


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_bad_files_are_told_in_plain_words(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    content: bytes | None,
    message: str,
) -> None:
    """On standard error, each mistake in a line of its own, and nothing else."""
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    code = main([command, "--config.file", str(path)], {})
    told = capsys.readouterr()

    assert (code, told.out) == (UNUSABLE, "")
    assert told.err.startswith("cloud-task-exporter: " + message.format(path=path))
    assert CANARY not in told.err


def test_a_directory_is_no_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As happens when a mount is missing."""
    assert main(["check", "--config.file", str(tmp_path)], {}) == UNUSABLE
    assert (
        capsys.readouterr().err == f"cloud-task-exporter: cannot read {tmp_path}: Is a directory\n"
    )


@pytest.mark.parametrize("command", ["run", "check"])
def test_without_a_file_the_demo_is_pointed_out(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Whoever types only the name of the program wants to see something."""
    code = main([command], {})

    assert code == UNUSABLE
    assert capsys.readouterr().err == (
        "cloud-task-exporter: --config.file is missing: which configuration is to be used?\n"
        "cloud-task-exporter: To see it work without one: cloud-task-exporter demo\n"
    )


def test_wrong_flags_of_the_configuration_end_with_2(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    """They are read by the rules of the file."""
    code = main(["run", "--config.file", str(path), "--web.listen-address", "localhost:x"], {})

    assert code == UNUSABLE
    assert capsys.readouterr().err.startswith(
        "cloud-task-exporter: --web.listen-address: web.listen_address[0]: must be an address"
    )


def test_check_prints_what_the_configuration_costs(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    """The plan on standard output, with what was not looked at; secrets nowhere."""
    code = main(["check", "--config.file", str(path)], {})
    told = capsys.readouterr()

    assert (code, told.err) == (OK, "")
    assert told.out.startswith(f"{path} has no mistakes.\n\nTARGET  SYSTEM  COLLECTOR ")
    assert "Not checked: whether the endpoints answer" in told.out
    assert CANARY not in told.out


def test_check_only_warns_of_too_many_calls(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """The file can be used as it is; polls will come late."""
    path.write_text(
        GOOD.replace(
            "credentials: ocp}", "credentials: ocp, rate_limit: {requests_per_second: 0.5}}"
        )
    )
    code = main(["check", "--config.file", str(path)], {})
    told = capsys.readouterr()

    assert code == OK
    assert told.err.startswith(
        "warning: ocp: 104 calls a minute are more than its rate_limit allows"
    )
    assert "104 of 30 allowed" in told.out


@pytest.mark.parametrize(
    ("arguments", "environ", "online"),
    [
        ([], {}, False),
        (["--online"], {}, True),
        (["--online=false"], {"CLOUD_TASK_EXPORTER_ONLINE": "true"}, False),
        ([], {"CLOUD_TASK_EXPORTER_ONLINE": "true"}, True),
    ],
)
def test_switches_are_given_or_not(
    arguments: list[str], environ: dict[str, str], *, online: bool
) -> None:
    """A variable can switch on, and a flag off again."""
    _, given = parse(["check", *arguments], environ)

    assert given["--online"] is online


def test_metrics_prints_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    """Every family in both forms."""
    main(["metrics"], {})
    table = capsys.readouterr().out
    main(["metrics", "--format", "json"], {})
    entries = json.loads(capsys.readouterr().out)

    assert [entry["name"] for entry in entries] == [family.name for family in families()]
    assert all(f"| `{entry['name']}` |" in table for entry in entries)


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_has_examples(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """For each command, on standard output."""
    with pytest.raises(SystemExit) as caught:
        main(arguments, {})

    assert caught.value.code == OK
    assert "examples:\n  cloud-task-exporter" in capsys.readouterr().out


def test_every_command_is_in_the_page_about_them() -> None:
    """In the order in which the help lists them."""
    page = (FOLDER / "commands.md").read_text(encoding="utf-8")
    listed = [line.split("`")[1].split()[0] for line in page.splitlines() if line[:3] == "| `"]

    assert list(dict.fromkeys(word for word in listed if word in COMMANDS)) == list(COMMANDS)


def run(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Start the program itself."""
    command = [sys.executable, "-m", "exporter", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environ, timeout=30
    )


def test_the_program_says_its_version() -> None:
    """As `python -m exporter` and as the installed command."""
    done = run("--version")

    assert (done.returncode, done.stdout) == (OK, f"cloud-task-exporter {__version__}\n")


def test_a_reader_that_has_gone_is_no_reason_for_a_traceback() -> None:
    """As in `cloud-task-exporter metrics | head -1`; here the reader is gone before a line came."""
    script = f"{sys.executable} -m exporter metrics | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, timeout=30
    )

    assert (done.stdout, done.stderr) == (f"{FAILED}\n", "")


@pytest.mark.parametrize("module", ["exporter.commands", "asyncio", "exporter.app"])
def test_an_early_interrupt_ends_it_without_a_word(module: str) -> None:
    """Ctrl-C while the program is still being loaded is no crash."""
    script = f"""
import os, runpy, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts us may ignore it
sys.meta_path.insert(0, Interrupting())
sys.argv = ["exporter", "demo", "--web.listen-address", "127.0.0.1:0"]
runpy.run_module("exporter", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert (done.returncode, done.stderr, done.stdout) == (FAILED, b"", b"")
