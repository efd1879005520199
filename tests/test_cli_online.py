"""`check --online` against simulated clouds: what works, what does not, and what is not tried."""

from pathlib import Path

import pytest
from cloud import Cloud, Reply
from commanding import Stage, lines_of, staged

from exporter.commands.command import FAILED, OK
from exporter.commands.hints import HINTS, LOGINS, RIGHTS, hint
from exporter.commands.trial import try_out
from exporter.config import load
from exporter.errors import REASONS
from exporter.simulator import accounts
from exporter.sources import SYSTEMS

LOGIN = "POST /v3/auth/tokens"
COMPARE = "Compare the numbers of records with the console once"


def add_target(stage: Stage, name: str, *, credentials: str) -> None:
    """Configure one more Kafka instance."""
    instance = accounts.DMS_INSTANCES["rabbitmq"]
    text = (
        f"  - {{name: {name}, system: dms, engine: rabbitmq, endpoint: '{stage.url}',"
        f" project_id: {accounts.PROJECT_ID}, instance_id: {instance}, credentials: {credentials}}}"
    )
    stage.path.write_text(f"{stage.path.read_text(encoding='utf-8')}{text}\n", encoding="utf-8")


async def test_a_configuration_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each collector, with what it read and cost, after the plan."""
    async with staged(tmp_path) as stage:
        told = await stage.run(capsys, "check", "--online")
    ok = r"  ok: \d+ (record|value)s, \d+ calls?, \d\.\d s, clock \+0 s$"

    assert (told.code, told.err) == (OK, "")
    assert told.out.startswith(f"{stage.path} has no mistakes.\n\nTARGET ")
    assert len(lines_of(told.out, ok)) == 5
    assert lines_of(told.out, r"^roma-demo   statistics        ok: 8 values, 1 call, ")
    assert lines_of(told.out, r"^roma-demo   task_monitors     ok: 15 records, 2 calls, ")
    assert lines_of(told.out, r"^roma-demo   task_details      ok: 15 records, 17 calls, ")
    assert COMPARE in told.out
    assert "Not checked" not in told.out


async def test_a_wrong_password_is_tried_once_for_all_its_targets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """IAM sees one login; who shares the entry is told so; other entries go on."""
    async with staged(tmp_path) as stage:
        add_target(stage, "rabbit", credentials="huawei")
        stage.change(accounts.PASSWORD, "wrong-password")
        told = await stage.run(capsys, "check", "--online")
        logins = {key: n for key, n in stage.requests().items() if key.startswith("POST")}
    sharing = "not tried: roma-demo refused the same credentials (huawei)"

    assert told.code == FAILED
    assert logins == {f"{LOGIN} 401": 1}
    assert lines_of(told.out, r"^roma-demo   statistics        failed \(auth\): login of exporter")
    assert lines_of(told.out, r"not tried: ") == [
        f"roma-demo   task_monitors     {sharing}",
        f"roma-demo   task_details      {sharing}",
        f"rabbit      background_tasks  {sharing}",
    ]
    assert len(lines_of(told.out, "  ok: ")) == 2
    assert "\nauth (fdi): Log in to the console with the same name" in told.out
    assert "wrong-password" not in told.out + told.err


@pytest.mark.parametrize(
    ("secret", "credentials", "route"),
    [
        (accounts.SECRET_KEY, "keys", "GET /v2/{project}/instances/{instance}/tasks 401"),
        (accounts.OCP_PASSWORD, "ocp", "GET /api/v2/tasks/instances 401"),
    ],
)
async def test_wrong_keys_and_pairs_are_tried_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    secret: str,
    credentials: str,
    route: str,
) -> None:
    """Also where each target has a host of its own, at which nothing was refused yet."""
    async with staged(tmp_path) as stage:
        # The same cloud under another name: who holds refusals by host holds none of these.
        stage.url = stage.url.replace("127.0.0.1", "localhost")
        if credentials == "keys":
            add_target(stage, "rabbit", credentials="keys")
        else:
            text = f"  - {{name: other, system: ocp, endpoint: '{stage.url}', credentials: ocp}}\n"
            stage.path.write_text(stage.path.read_text() + text)
        stage.change(secret, "wrong-secret")
        told = await stage.run(capsys, "check", "--online")
        refusals = {key: n for key, n in stage.requests().items() if key.endswith(" 401")}

    assert told.code == FAILED
    assert refusals == {route: 1}
    assert len(lines_of(told.out, rf"not tried: .*\({credentials}\)$")) == 1


async def test_a_login_that_worked_lets_one_target_fail_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong instance of one target says nothing about the password, nor about the others."""
    async with staged(tmp_path) as stage:
        add_target(stage, "rabbit", credentials="huawei")
        stage.change(accounts.FDI_INSTANCE, "00000000-0000-0000-0000-000000000000")
        told = await stage.run(capsys, "check", "--online")

    assert told.code == FAILED
    assert len(lines_of(told.out, r"^roma-demo .* failed \(")) == 3
    assert lines_of(told.out, r"^rabbit      background_tasks  ok: ")
    assert not lines_of(told.out, "not tried: ")
    assert COMPARE in told.out


async def test_a_refused_token_of_the_right_password_is_no_wrong_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of another region: IAM has taken the password, so it may be shown for others too."""
    refusal = Reply({"error_code": "APIGW.0301", "error_msg": "decrypt token fail"}, status=401)
    async with Cloud(usual=refusal) as elsewhere, staged(tmp_path) as stage:
        add_target(stage, "rabbit", credentials="huawei")
        stage.change(
            f"system: fdi\n    endpoint: {stage.url}", f"system: fdi\n    endpoint: {elsewhere.url}"
        )
        told = await stage.run(capsys, "check", "--online")

    assert told.code == FAILED
    assert len(lines_of(told.out, r"^roma-demo .* failed \(auth\): ")) == 3
    assert lines_of(told.out, r"^rabbit      background_tasks  ok: ")
    assert not lines_of(told.out, "not tried: ")


async def test_an_outage_is_no_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each collector is tried and fails by itself; there is nothing to compare."""
    monkeypatch.setattr("exporter.api.client.BACKOFF", 0.0)
    async with staged(tmp_path, "outage") as stage:
        told = await stage.run(capsys, "check", "--online")

    assert told.code == FAILED
    assert len(lines_of(told.out, r"  failed \((server|network)\): ")) == 5
    assert COMPARE not in told.out


async def test_an_empty_list_is_no_failure_but_worth_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is what somebody without rights sees; `collect` keeps silent, for cron's sake."""
    async with staged(tmp_path, "empty") as stage:
        told = await stage.run(capsys, "check", "--online")
        collected = await stage.run(capsys, "collect")

    assert (told.code, collected.code, collected.err) == (OK, OK, "")
    assert len(lines_of(told.out, "^    nothing is listed: there is nothing, or the user may")) == 4
    assert lines_of(told.out, r"^roma-demo   statistics        ok: 8 values")


async def test_lines_come_as_soon_as_they_are_known(tmp_path: Path) -> None:
    """Someone waits for them."""
    shown: list[str] = []
    async with staged(tmp_path) as stage:
        config = load(stage.path, {})
        polls = await try_out(config, stage.clock, shown.append)

    assert len(shown) == len(polls) == 5
    assert all(line.endswith("\n") for line in shown)


async def test_odd_answers_are_remarked_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reading may be whole and still have something to say, but not to the terminal."""
    async with staged(tmp_path) as stage:
        task = next(
            iter(stage.simulator._world.dms[accounts.DMS_INSTANCES["kafka"]].tasks.values())
        )
        task.status = "PAUSED_\x1bFOR_MAINTENANCE"
        told = await stage.run(capsys, "check", "--online")
        collected = await stage.run(capsys, "collect", "--target", "kafka-demo")
    remark = (
        "words that the exporter does not know, shown as unknown: status=PAUSED_?FOR_MAINTENANCE"
    )

    assert (told.code, collected.code) == (OK, OK)
    assert f"    {remark}\n" in told.out
    assert collected.err == f"cloud-task-exporter: kafka-demo background_tasks: {remark}\n"


@pytest.mark.parametrize("system", SYSTEMS)
def test_there_is_something_to_do_about_every_reason(system: str) -> None:
    """At 03:00 nobody wants to look it up."""
    assert set(HINTS) == set(REASONS)
    assert set(RIGHTS) == set(LOGINS) == set(SYSTEMS)
    for reason in REASONS:
        assert "{" not in hint(reason, system)
        assert len(hint(reason, system)) > 40
