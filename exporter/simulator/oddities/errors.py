"""Error documents in all the shapes that are known, each with the vendor's code."""

from collections.abc import Callable, Mapping
from typing import Any

Document = Mapping[str, Any]

_REQUEST_ID = "0" * 32

HUAWEI_SHAPES: tuple[Callable[[int, str, str], Document], ...] = (
    lambda _, code, text: {"error_code": code, "error_msg": text, "request_id": _REQUEST_ID},
    lambda _, code, text: {"error_code": code, "error_msg": text},
    lambda _, code, text: {"errorCode": code, "errorMsg": text},
    lambda _, code, text: {"code": code, "message": text},
    lambda _, code, text: {"error": {"code": code, "message": text, "title": "Error"}},
    lambda status, code, text: {"code": status, "reason": {"error_code": code, "error_msg": text}},
    lambda _, code, text: {
        "error_code": code,
        "error_msg": text,
        "error_details": [{"field": None, "reason": text}],
        "encoded_authorization_message": "made-up",
        "request_id": None,
    },
)
"""Take HTTP status, code and message; the first is the gateway's own."""

OCP_SHAPES: tuple[Callable[[int | str, str], Document], ...] = (
    lambda code, text: {"code": code, "message": text},
    lambda code, text: {"code": str(code), "message": text, "target": "task"},
    lambda code, text: {
        "code": code,
        "message": text,
        "debugMessage": text,
        "stackTrace": None,
        "subErrors": [{"object": "task", "field": "id", "rejectedValue": "1", "message": text}],
    },
    lambda code, text: {
        "code": code,
        "message": text,
        "subErrors": [{"SQLState": "42000", "code": 1064, "message": text}],
    },
)
"""Take code and message; the first is the one in the vendor's sample."""
