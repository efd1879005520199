"""
URLs in one canonical form, so that what is signed is what is sent, byte for byte.

Only letters, digits and `-._~` stand for themselves (RFC 3986), a space is `%20`, the pairs of a
query are sorted. Signers rely on it: none of them encodes or sorts anew.
"""

from collections.abc import Iterable
from urllib.parse import quote, unquote

import yarl

PROJECT = "{project_id}"
"""Stands in a path for the id of a project that only the login knows; no id has braces."""


def parse_endpoint(text: str) -> str:
    """Return a base URL in canonical form, without a slash at its end; ValueError if it is none."""
    try:
        url = yarl.URL(text)
        host = url.host_port_subcomponent
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"}:
        msg = "not a URL: write it like https://host, https://host:8443 or https://host/prefix"
        raise ValueError(msg)
    if url.raw_user is not None or url.raw_password is not None:
        msg = "a URL must not hold a user or a password"
        raise ValueError(msg)
    if url.raw_query_string or url.raw_fragment:
        msg = "a base URL must not hold a query or a fragment"
        raise ValueError(msg)
    prefix = "/".join(encode(unquote(piece)) for piece in url.raw_path.split("/"))
    return f"{url.scheme}://{host}{prefix.rstrip('/')}"


def build(endpoint: str, path: str, query: Iterable[tuple[str, str | int]] = ()) -> str:
    """Return the URL of `path` (plain text, pieces between slashes) below a parsed endpoint."""
    pieces = "/".join(encode(piece) for piece in path.removeprefix("/").split("/"))
    pairs = encode_query(query)
    return f"{endpoint}/{pieces}?{pairs}" if pairs else f"{endpoint}/{pieces}"


def encode_query(pairs: Iterable[tuple[str, str | int]]) -> str:
    """Return the pairs sorted by key, then by value (numbers as numbers), and encoded."""
    ordered = sorted(pairs, key=lambda pair: (pair[0], isinstance(pair[1], str), pair[1]))
    return "&".join(f"{encode(key)}={encode(_text(value))}" for key, value in ordered)


def encode(text: str) -> str:
    """Return the text percent-encoded as UTF-8."""
    return quote(text, safe="", errors="replace")


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
