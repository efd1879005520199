"""What texts of the configuration must look like; each rule raises ValueError, never quoting."""

import ipaddress
import re
from urllib.parse import urlsplit

from exporter.api.url import parse_endpoint

MAX_NAME = 100
MAX_PORT = 65_535

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_PATH = re.compile(r"(?:/[A-Za-z0-9_.~-]+)+")
_HOST = re.compile(r"[A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.%a-z]+\]")
_PORT = re.compile(r"[0-9]{1,5}")
_OWN_PATHS = ("/-/", "/api/")


def name(text: str) -> None:
    """Accept what can stand in a label, a log line and a table."""
    if not 0 < len(text) <= MAX_NAME or not text.isprintable() or text != text.strip():
        msg = f"must have 1 to {MAX_NAME} printable characters and no space at its ends"
        raise ValueError(msg)


def identifier(text: str) -> None:
    """Accept a vendor's id: it becomes a part of the path of URLs."""
    if not _ID.fullmatch(text):
        msg = "must have 1 to 100 letters, digits, - and _ only"
        raise ValueError(msg)


def label_name(text: str) -> None:
    """Accept the name of a Prometheus label that is not for Prometheus's own use."""
    if not _LABEL.fullmatch(text):
        msg = "is no name of a label: letters, digits and _ only, and no digit in front"
        raise ValueError(msg)
    if text.startswith("__"):
        msg = "labels with __ in front belong to Prometheus"
        raise ValueError(msg)


def base_url(text: str) -> None:
    """Accept the base URL of an API."""
    if any(char.isspace() or not char.isprintable() for char in text):
        msg = "has characters that no URL may have"
        raise ValueError(msg)
    parse_endpoint(text)


def is_readable(url: str) -> bool:
    """Whether what is sent to a base URL can be read on its way: http that leaves this machine."""
    parts = urlsplit(parse_endpoint(url))
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def listen_address(text: str) -> None:
    """Accept `:port`, `host:port`, `address:port` or `[IPv6 address]:port`."""
    split_address(text)


def split_address(text: str) -> tuple[str | None, int]:
    """Return host and port of a listen address; None is every address of the machine."""
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host) or not _PORT.fullmatch(port):
        msg = "must be an address to listen on, like :10047, 127.0.0.1:10047 or [::1]:10047"
        raise ValueError(msg)
    if int(port) > MAX_PORT:
        msg = f"has a port over {MAX_PORT}"
        raise ValueError(msg)
    return host.strip("[]") or None, int(port)


def telemetry_path(text: str) -> None:
    """Accept a path that hides none of the exporter's other pages."""
    if not _PATH.fullmatch(text) or any(part.strip(".") == "" for part in text[1:].split("/")):
        msg = "must be a path like /metrics: letters, digits, - _ . ~ between slashes"
        raise ValueError(msg)
    if text.startswith(_OWN_PATHS):
        msg = "must not lie below /-/ or /api/: other pages are there"
        raise ValueError(msg)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
