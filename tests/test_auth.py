"""The registry of schemes, and what all of them have in common."""

import inspect
from pathlib import Path
from random import Random

import msgspec
import pytest
from cloud import ManualClock

from exporter.api import auth
from exporter.api.auth import SCHEMES
from exporter.api.auth.hold import Hold
from exporter.api.auth.scheme import Scheme, Surroundings, read_secret
from exporter.api.exchange import Request
from exporter.api.session import Tls
from exporter.errors import Unauthorized
from exporter.secret import Secret

SHARED = {"__init__", "flight", "gate", "hold", "login", "huawei_signed", "huawei_signing"} | {
    "iam",
    "lease",
    "scheme",
}
TEXTS = {"iam_endpoint": "https://iam.example", "project": "eu-west-101"}


def made(kind: str) -> Scheme:
    """Return a scheme with made-up options, made as every scheme is made."""
    options = {
        field.name: Secret("canary") if field.type is Secret else TEXTS.get(field.name, "x")
        for field in msgspec.structs.fields(SCHEMES[kind].options_type)
        if field.required or field.name in TEXTS
    }

    def no_session(_: Tls) -> None:
        raise AssertionError

    around = Surroundings(
        sessions=no_session,  # type: ignore[arg-type]  # none is opened
        clock=ManualClock(),
        random=Random(1),
        hold=Hold(ManualClock()),
    )
    return SCHEMES[kind](SCHEMES[kind].options_type(**options), around)


def test_every_scheme_has_its_file_and_its_line() -> None:
    """Adding one is one file and one line."""
    files = {path.stem for path in Path(inspect.getfile(auth)).parent.glob("*.py")} - SHARED

    assert files == set(SCHEMES)


@pytest.mark.parametrize("kind", SCHEMES)
def test_schemes_are_made_alike(kind: str) -> None:
    """From options of their own type and the same surroundings; nothing is read or sent yet."""
    scheme = made(kind)

    assert (scheme.expires_at, scheme.refreshes, scheme.project_id) == (None, 0, "")
    assert "canary" not in repr(vars(scheme))


@pytest.mark.parametrize("kind", ["basic", "huawei_aksk", "ocp_aksk"])
async def test_a_refused_secret_is_held_until_it_changes(kind: str, tmp_path: Path) -> None:
    """No request leaves with it meanwhile; when its file is replaced, the next one does at once."""
    path = tmp_path / "secret"
    path.write_text("first-canary\n", encoding="utf-8")
    scheme = made(kind)
    fields = {
        field.name: Secret(path=path)
        for field in msgspec.structs.fields(scheme.options_type)
        if field.type is Secret
    }
    vars(scheme)["_options"] = msgspec.structs.replace(vars(scheme)["_options"], **fields)
    request = Request(
        method="GET", url="https://h:8080/x", headers={"Content-Type": "application/json"}
    )
    sent = msgspec.structs.replace(
        request, headers={**request.headers, **await scheme.authorize(request)}
    )

    assert not await scheme.renew(Unauthorized("refused"), sent)
    with pytest.raises(Unauthorized, match="not tried again before 10:05:00") as caught:
        async with scheme.trial(request):
            pass
    assert "canary" not in str(caught.value)

    path.write_text("second-canary", encoding="utf-8")
    assert await scheme.renew(Unauthorized("refused"), sent)
    async with scheme.trial(request):
        assert "Authorization" in await scheme.authorize(request)


def test_a_secret_that_cannot_be_read_is_a_login_that_fails(tmp_path: Path) -> None:
    """The message names the file, and the next poll reads it anew."""
    with pytest.raises(Unauthorized, match="cannot read the secret file"):
        read_secret(Secret(path=tmp_path / "absent"))

    assert read_secret(Secret("text")) == "text"
