"""
Who may come in: the file that `web.config_file` names, in the format of the exporter-toolkit.

What it cannot do here (cipher suites, inline certificates, limits) is refused rather than ignored.
"""

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from exporter.config.schema.decoder import Decoder
from exporter.config.schema.document import read_document, text_of
from exporter.config.schema.problems import Path as KeyPath
from exporter.config.schema.problems import Problems
from exporter.errors import ConfigError

COSTS = range(4, 17)
"""Of a hash; one more doubles the time of each check, which is some seconds at the end."""

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""What may be set, and to which words if not to any."""
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def bcrypt_hash(text: str) -> None:
    """Accept a hash of bcrypt that can be checked in good time."""
    match = _HASH.fullmatch(text)
    if match is None:
        msg = "is no bcrypt hash: make one with `htpasswd -nBC 10 USER`"
        raise ValueError(msg)
    if int(match[1]) not in COSTS:
        msg = f"is a bcrypt hash whose cost is not from {COSTS[0]} to {COSTS[-1]}: make one with 10"
        raise ValueError(msg)


def user_name(text: str) -> None:
    """Accept a name that HTTP Basic can carry."""
    if not text or ":" in text or not text.isprintable():
        msg = "is no name of a user: printable characters only, and no colon"
        raise ValueError(msg)


def header_name(text: str) -> None:
    """Accept a header that does not change what is served."""
    if text not in _HEADERS:
        msg = f"cannot be set: only {', '.join(_HEADERS)} can"
        raise ValueError(msg)


def header_value(text: str) -> None:
    """Accept what a header can carry."""
    if not text.isascii() or not text.isprintable():
        msg = "must be printable ASCII in one line"
        raise ValueError(msg)


class TlsServer(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are encrypted; without this they are not."""

    cert_file: Path
    """PEM file of the certificate, with those that lead to its authority."""
    key_file: Path
    """PEM file of its key, without a password."""
    client_auth_type: Literal[
        "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = "NoClientCert"
    """Whether clients need a certificate of their own; only the last one keeps any of them out."""
    client_ca_file: Path | None = None
    """PEM file of the authority of the clients' certificates."""
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    """Oldest version of TLS to speak."""
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    """Newest version of TLS to speak."""


class HttpServer(msgspec.Struct, frozen=True, kw_only=True):
    """How HTTP is spoken."""

    http2: bool = True
    """Taken, for other exporters know it; this one always speaks HTTP/1.1."""
    headers: Mapping[Annotated[str, header_name], Annotated[str, header_value]] = {}
    """For every answer: `Strict-Transport-Security`, `Content-Security-Policy`, `X-Frame-Options`,
    `X-Content-Type-Options` or `X-XSS-Protection`, each with its value."""


class WebFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    """How connections are encrypted; without this they are not."""
    http_server_config: HttpServer = HttpServer()
    """How HTTP is spoken."""
    basic_auth_users: Mapping[Annotated[str, user_name], Annotated[str, bcrypt_hash]] = {}
    """Who may come in: bcrypt hashes of their passwords, by their names. Without any, everyone."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says, ready for use."""

    users: Mapping[str, bytes] = {}
    """Hashes by name."""
    headers: Mapping[str, str] = {}
    context: ssl.SSLContext | None = None
    files: tuple[Path, ...] = ()
    """All that was read for it."""


OPEN = Access()
"""What holds where there is no file."""


def load_access(path: Path, environ: Mapping[str, str]) -> Access:
    """Return what the file says; raise ConfigError with every mistake in it, each with its name."""
    decoder = Decoder(environ, path.parent)
    try:
        found: WebFile = decoder.read(read_document(text_of(path)), WebFile)
    except ConfigError as error:
        raise ConfigError(_named(path, error.problems)) from error
    context = _checked(found, decoder.problems) if isinstance(found, WebFile) else None
    if lines := decoder.problems.lines():
        raise ConfigError(_named(path, lines))
    return Access(
        users={name: text.encode() for name, text in found.basic_auth_users.items()},
        headers=found.http_server_config.headers,
        context=context,
        files=(path, *decoder.files.values()),
    )


def _named(path: Path, problems: Iterable[str]) -> Iterator[str]:
    return (f"{path}: {text}" if text.startswith("line ") else text for text in problems)


def _checked(found: WebFile, problems: Problems) -> ssl.SSLContext | None:
    """Add the mistakes between keys; return how connections are encrypted, if there are none."""
    for path, text in _wrong_headers(found.http_server_config):
        problems.add(path, text)
    tls = found.tls_server_config
    if not isinstance(tls, TlsServer):
        return None
    here: KeyPath = ("tls_server_config",)
    for key, text in _wrong_tls(tls):
        problems.add((*here, key), text)
    if problems.lines():
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    for key, text in _unloadable(context, tls):
        problems.add((*here, key), text)
    context.verify_mode = _CLIENTS[tls.client_auth_type]
    return context


def _wrong_headers(http: HttpServer) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(http, HttpServer) or not isinstance(http.headers, Mapping):
        return
    for name, value in http.headers.items():
        words = _HEADERS[name]
        if words and isinstance(value, str) and value not in words:
            yield ("http_server_config", "headers", name), f"must be {' or '.join(words)}"


def _wrong_tls(tls: TlsServer) -> Iterator[tuple[str, str]]:
    asks = isinstance(tls.client_auth_type, str) and tls.client_auth_type != "NoClientCert"
    if asks and tls.client_ca_file is None:
        yield "client_ca_file", f"is missing: client_auth_type {tls.client_auth_type} needs it"
    elif tls.client_auth_type == "NoClientCert" and tls.client_ca_file is not None:
        yield "client_auth_type", "asks for no certificates, so client_ca_file is of no use"
    if (tls.min_version, tls.max_version) == ("TLS13", "TLS12"):
        yield "max_version", "is older than min_version"


def _unloadable(context: ssl.SSLContext, tls: TlsServer) -> Iterator[tuple[str, str]]:
    """Load certificates, key and authority; yield what cannot be."""
    try:
        # OpenSSL would ask for a password on the terminal, and wait.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except ssl.SSLError as error:
        yield "key_file", f"{tls.cert_file} and {tls.key_file} cannot be used: {_reason(error)}"
    except OSError as error:
        yield "cert_file", f"cannot read {tls.cert_file} or {tls.key_file}: {error.strerror}"
    if tls.client_ca_file is None:
        return
    try:
        context.load_verify_locations(tls.client_ca_file)
    except ssl.SSLError:
        yield "client_ca_file", f"{tls.client_ca_file} holds no certificate"
    except OSError as error:
        yield "client_ca_file", f"cannot read {tls.client_ca_file}: {error.strerror}"


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return "a PEM certificate and a PEM key without a password are needed"
