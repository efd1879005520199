"""What an answer is worth: its document, or the error that it stands for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from exporter.api.answer import decode, read
from exporter.api.refusal import Answer
from exporter.errors import (
    BadPayload,
    ClockSkewed,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
)

NOW = 1_773_482_400.0
PAGE = {"total": 1, "size": 1, "entities": [{"task_id": "t-1", "task_name": "nächtlich"}]}


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer with the bytes, or with the document as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=CIMultiDict(named), body=content)


def refused(body: Any, status: int, **headers: str) -> SourceError:
    """Return the error that the answer stands for."""
    with pytest.raises(SourceError) as caught:
        read(answer(body, status, **headers), "list_tasks at dms.example", now=NOW)
    return caught.value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b" [1, 2.5] \r\n", [1, 2.5]),
        (b'{"n": "a\\ud800b"}', {"n": "a\ufffdb"}),
        (b'{"n": "a\xffb"}', {"n": "a\ufffdb"}),
        (b'{"n": NaN, "i": -Infinity}', {"n": None, "i": None}),
        (b'{"n": 1e999, "m": -1e999, "k": 1.5}', {"n": None, "m": None, "k": 1.5}),
        (b'{"n": 1000000000000000000000000000000}', {"n": 10**30}),
        (b'{"n": -1' + b"0" * 9999 + b', "m": 2}', {"n": None, "m": 2}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"null", None),
        (b'"2026-03-14T10:00:00Z"', "2026-03-14T10:00:00Z"),
    ],
)
def test_json_is_decoded(body: bytes, expected: object) -> None:
    """Odd text does not cost the page; numbers that JSON does not have become null."""
    assert read(answer(body), "x", now=NOW) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "body is empty"),
        (b"\xef\xbb\xbf  \n", "body is empty"),
        (b"<!DOCTYPE html><html>canary</html>", "page of HTML"),
        (b"\n <html>canary</html>", "page of HTML"),
        (b"canary", "not JSON"),
        (b'{"canary": ', "broken or was cut off"),
        (b'{"canary": 1} {"b": 2}', "broken or was cut off"),
        (b"[" * 100_000, "nested too deep"),
        (b"[NaN," + b"[" * 100_000, "nested too deep"),
        ("{}".encode("utf-16"), "not JSON"),
    ],
)
def test_a_good_status_with_a_bad_body_is_a_bad_payload(body: bytes, words: str) -> None:
    """The message says what came instead, and repeats none of it."""
    error = refused(body, 200)

    assert type(error) is BadPayload
    assert words in str(error)
    assert "canary" not in str(error)
    assert error.status == 200


def test_a_page_cut_off_anywhere_is_noticed() -> None:
    """No prefix of a document passes for a document."""
    body = json.dumps(PAGE).encode()

    whole = [length for length in range(len(body) + 1) if _decodes(body[:length])]

    assert whole == [len(body)]


@given(st.binary())
def test_any_bytes_decode_or_raise_value_error(body: bytes) -> None:
    """Nothing that a server can send raises anything else."""
    said = "a document"
    try:
        decode(body)
    except ValueError as error:
        said = str(error)

    assert said != ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.integers(100, 999),
    st.sampled_from([200, 201, 400, 401, 403, 404, 429, 500, 503]),
)
def test_any_document_reads_or_is_a_source_error(document: object, inner: int, status: int) -> None:
    """An error document of any shape, wrong types included, is understood as far as it goes."""
    for body in (document, {"error": document, "status": inner, "error_code": document}):
        said = ""
        try:
            read(answer(body, status), "x", now=NOW)
        except SourceError as error:
            said = str(error)
        assert said.startswith("x: HTTP") or (not said and status < 300)


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_error_that_does_not_say_where_to(status: int) -> None:
    """A location may hold secrets."""
    error = refused(b"", status, Location="https://elsewhere.example/?ticket=canary")

    assert type(error) is BadPayload
    assert error.status == status
    assert str(error) == (
        f"list_tasks at dms.example: HTTP {status}, a redirect, which is never followed;"
        " check endpoint"
    )


REFUSALS = [
    # the status alone
    (b"", 400, BadPayload, ""),
    (b"", 401, Unauthorized, ""),
    (b"<html>login</html>", 403, Forbidden, ""),
    (b"", 404, NotFound, ""),
    (b"", 405, BadPayload, ""),
    (b"", 408, TimedOut, ""),
    (b"", 410, NotFound, ""),
    (b"", 429, RateLimited, ""),
    (b"", 500, ServerFailed, ""),
    (b"", 502, ServerFailed, ""),
    (b"", 503, ServerFailed, ""),
    (b"", 504, ServerFailed, ""),
    (b"", 600, ServerFailed, ""),
    # the gateway under each of its names
    ({"error_code": "APIG.0101", "error_msg": "no API"}, 404, NotFound, "APIG.0101"),
    ({"error_code": "APIGW.0301", "error_msg": "bad token"}, 401, Unauthorized, "APIGW.0301"),
    ({"error_code": "APIC.0301", "error_msg": "bad"}, 403, Unauthorized, "APIC.0301"),
    ({"error_code": "APIGW.0302", "error_msg": "no"}, 401, Forbidden, "APIGW.0302"),
    ({"error_code": "APIG.0303", "error_msg": "no"}, 401, Unauthorized, "APIG.0303"),
    ({"error_code": "APIG.0305", "error_msg": "no"}, 403, Forbidden, "APIG.0305"),
    ({"error_code": "APIGW.0307", "error_msg": "update"}, 401, Unauthorized, "APIGW.0307"),
    ({"error_code": "APIGW.0308", "error_msg": "over"}, 429, RateLimited, "APIGW.0308"),
    ({"error_code": "APIC.0308", "error_msg": "over"}, 403, RateLimited, "APIC.0308"),
    ({"error_code": "APIG.0201", "error_msg": "timeout"}, 504, ServerFailed, "APIG.0201"),
    # codes that say more than the status
    ({"error_code": "DMS.10240407", "error_msg": "flow"}, 404, RateLimited, "DMS.10240407"),
    ({"error_code": "DMS.10240101", "error_msg": "token"}, 403, Unauthorized, "DMS.10240101"),
    ({"error_code": "DMS.10240104", "error_msg": "token"}, 401, Unauthorized, "DMS.10240104"),
    ({"error_code": "ROMA.1000", "error_msg": "auth"}, 403, Unauthorized, "ROMA.1000"),
    ({"error_code": "ROMA.00012000", "error_msg": "x"}, 403, Unauthorized, "ROMA.00012000"),
    ({"error_code": "DMS.00404022", "error_msg": "gone"}, 404, NotFound, "DMS.00404022"),
    ({"error_code": "FDI.3021", "error_msg": "gone"}, 400, NotFound, "FDI.3021"),
    ({"error_code": "DMS.40050010", "error_msg": "off"}, 400, BadPayload, "DMS.40050010"),
    ({"error_code": "DMS.00403002", "error_msg": "no"}, 403, Forbidden, "DMS.00403002"),
    ({"error_code": "FDI.9999", "error_msg": "net"}, 500, ServerFailed, "FDI.9999"),
    ({"error_code": "ROMA.00011000", "error_msg": "int"}, 500, ServerFailed, "ROMA.00011000"),
    # other shapes
    ({"errorCode": "DCS.4001", "errorMsg": "no"}, 400, BadPayload, "DCS.4001"),
    ({"code": "CCE.01429", "message": "no"}, 429, RateLimited, "CCE.01429"),
    ({"error": {"code": 401, "message": "no", "title": "Unauthorized"}}, 401, Unauthorized, ""),
    ({"code": 400, "reason": {"error_code": "FDI.3149"}}, 400, BadPayload, "FDI.3149"),
    ({"encoded_authorization_message": "x", "error_code": "P.5"}, 403, Forbidden, "P.5"),
    ({"status": 404, "error": "Not Found", "path": "/x"}, 404, NotFound, ""),
    ([{"error_code": "x"}], 500, ServerFailed, ""),
    ({"error_code": ["x"], "error_msg": 7, "error": None}, 500, ServerFailed, ""),
    ({"error_code": "evil\ncode", "error_msg": "x"}, 500, ServerFailed, ""),
    # OCP's envelope
    (
        {"successful": False, "status": 401, "error": {"code": 30003, "message": "no"}},
        401,
        Unauthorized,
        "30003",
    ),
    (
        {"successful": False, "status": 429, "error": {"code": 0, "message": "slow"}},
        429,
        RateLimited,
        "",
    ),
    (
        {"successful": False, "status": 404, "error": {"code": 20000, "message": "no"}},
        404,
        NotFound,
        "20000",
    ),
    ({"successful": False, "error": {"code": "TSK10001"}}, 400, NotFound, "TSK10001"),
    # a success that is none
    ({"successful": False, "status": 403, "error": {"code": 7}}, 200, Forbidden, "7"),
    ({"successful": False, "status": 200}, 200, ServerFailed, ""),
    ({"successful": False}, 200, ServerFailed, ""),
    ({"error_code": "APIG.0308", "error_msg": "over"}, 200, RateLimited, "APIG.0308"),
    ({"error_code": "ROMA.4001026", "error_msg": "x"}, 200, ServerFailed, "ROMA.4001026"),
]


@pytest.mark.parametrize(("body", "status", "kind", "code"), REFUSALS)
def test_refusals(body: Any, status: int, kind: type[SourceError], code: str) -> None:
    """Each status, code and shape of an error stands for one error of ours; codes go first."""
    error = refused(body, status)

    assert (type(error), error.code) == (kind, code)
    assert str(error).startswith("list_tasks at dms.example: HTTP ")


@pytest.mark.parametrize(
    "document",
    [
        {"successful": True, "error": None, "data": {}},
        {"error_code": None, "tasks": []},
        {"error_code": "", "error_msg": "", "tasks": []},
        {"error_code": "0", "tasks": []},
        {"status": 403, "code": "X", "tasks": []},
    ],
)
def test_fields_of_errors_alone_make_no_error(document: dict[str, Any]) -> None:
    """A success is only doubted where it says plainly that it is none."""
    assert read(answer(document), "x", now=NOW) == document


@pytest.mark.parametrize(
    "message",
    [
        "Verify aksk signature fail, signature expired, signature time: 1, server time: 2",
        "The request time differs too much",
        "clock skew is more than 15 minutes",
        "Signature has expired",
        "The signing date is not within 900 seconds",
    ],
)
def test_clocks_that_differ_are_told_from_a_bad_login(message: str) -> None:
    """The cure is another one."""
    error = refused({"error_code": "APIGW.0301", "error_msg": message}, 401)

    assert type(error) is ClockSkewed
    assert "clock" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "AK access failed to reach the limit, forbidden, signature expired; server time: 1",
        "The username or password is wrong. Request time 2026-03-14 10:00",
        "The password is wrong, signature expired",
        "verify aksk signature fail, server time: 20260314T102000Z",
    ],
)
def test_a_bad_login_that_bears_a_time_is_a_bad_login(message: str) -> None:
    """Nobody is sent to set a clock, and the login is held."""
    assert type(refused({"error_code": "APIGW.0301", "error_msg": message}, 401)) is Unauthorized


@pytest.mark.parametrize("place", ["/login", "https://ocp.example/login?next=%2Fx", "/a/Login/"])
def test_being_sent_to_log_in_is_a_refusal(place: str) -> None:
    """OCP does so where its API is not what was asked; accounts lock all the same."""
    with pytest.raises(Unauthorized, match="HTTP 302, sent to the page for logging in") as caught:
        read(Answer(status=302, headers={"Location": place}, body=b""), "x", now=NOW)

    assert "next" not in str(caught.value)


def test_an_id_of_the_request_that_is_a_secret_is_not_shown() -> None:
    """A cloud that echoes what we sent, where nobody expects it."""
    secret = "canarycanarycanary"
    reply = answer({}, 500, **{"X-Request-Id": secret})
    with pytest.raises(ServerFailed) as caught:
        read(reply, "x", now=NOW, hide=(secret,))

    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "message", ["token expired", "The account is blocked", "password expired", "request timeout"]
)
def test_other_refusals_are_no_matter_of_clocks(message: str) -> None:
    """A token that ran out is renewed, not blamed on the clock."""
    assert type(refused({"error_code": "APIGW.0301", "error_msg": message}, 401)) is Unauthorized


def test_a_message_says_what_happened_where_and_what_to_do() -> None:
    """It is read at night: call, host, status, code, words, request id, advice."""
    body = {"error_code": "DMS.00403002", "error_msg": "No\npermission."}

    error = refused(body, 403, X_Request_Id="5b1c0ffee0ddba11")

    assert str(error) == (
        "list_tasks at dms.example: HTTP 403 DMS.00403002: No permission"
        " (request 5b1c0ffee0ddba11); give the exporter's user the right to read tasks"
    )


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"request_id": "r-1"}, {"X_Request_Id": "h-1"}, "h-1"),
        ({"request_id": "r-1", "error_code": "APIG.0101"}, {}, "r-1"),
        ({"traceId": "5b1c0ffee0ddba11"}, {}, "5b1c0ffee0ddba11"),
    ],
)
def test_the_request_id_is_shown(body: Any, headers: dict[str, str], expected: str) -> None:
    """The vendor's support asks for it, wherever it stands."""
    assert f"(request {expected})" in str(refused(body, 404, **headers))


def test_an_echoed_request_stays_secret() -> None:
    """Huawei's 401 can repeat the canonical request and the headers; none of it is shown."""
    message = (
        "Verify aksk signature fail, canonicalRequest:GET|/v2/|host:roma|x-auth-token:c4nary"
        "|x-security-token:MIIEpAIBAAKCAQEA0Z3VS5JJcds3"
    )

    error = refused({"error_code": "APIGW.0301", "error_msg": message}, 401)

    assert str(error) == (
        "list_tasks at dms.example: HTTP 401 APIGW.0301: Verify aksk signature fail;"
        " check the credentials"
    )


@pytest.mark.parametrize(
    ("body", "status", "headers", "kind", "wait"),
    [
        (b"", 429, {"Retry_After": "7"}, RateLimited, 7.0),
        (b"", 429, {}, RateLimited, None),
        (b"", 503, {"Retry_After": "7"}, RateLimited, 7.0),
        (b"", 500, {"Retry_After": "7"}, ServerFailed, None),
        (
            {"error_code": "APIGW.0308", "error_msg": "over ratelimit,limit:9,time:1 minute"},
            429,
            {},
            RateLimited,
            60.0,
        ),
        ({"error_code": "DMS.10240407"}, 404, {"Retry_After": "3"}, RateLimited, 3.0),
    ],
)
def test_throttling_tells_how_long(
    body: Any, status: int, headers: dict[str, str], kind: type[SourceError], wait: float | None
) -> None:
    """A 503 is throttling only when it says for how long."""
    error = refused(body, status, **headers)

    assert (type(error), getattr(error, "retry_after", None)) == (kind, wait)


def test_an_answer_does_not_print_what_it_holds() -> None:
    """A token may stand in headers or body."""
    shown = repr(answer({"token": "canary"}, X_Subject_Token="canary"))

    assert shown == "Answer(200, 19 bytes)"


def _decodes(body: bytes) -> bool:
    try:
        decode(body)
    except ValueError:
        return False
    return True
