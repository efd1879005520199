"""The file with certificates and passwords: what it may hold, and every mistake at once."""

import ssl
from pathlib import Path

import pytest
from certificates import Authority, Signed

from exporter.config import load
from exporter.config.web_file import OPEN, Access, load_access
from exporter.errors import ConfigError

HASH = "$2y$10$QXcyIMuXSNVgEYdXz1JmbuGtPJ7BYCCxv7LNsDrZTV6ZyAzbTI.pS"
CANARY = "hunter2-canary"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority."""
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Signed:
    """Return the certificate of a server."""
    return authority.sign("server")


def written(folder: Path, text: str) -> Path:
    """Return a file with that text."""
    path = folder / "web.yml"
    path.write_text(text, encoding="utf-8")
    return path


def access(folder: Path, text: str) -> Access:
    """Return what a file with that text says."""
    return load_access(written(folder, text), {})


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is wrong with the text; no secret is told."""
    with pytest.raises(ConfigError) as caught:
        access(folder, text)
    assert CANARY not in str(caught.value)
    return [line.removeprefix(f"{folder}/web.yml: ") for line in caught.value.problems]


def test_names_and_hashes_are_those_of_other_exporters(tmp_path: Path) -> None:
    """As htpasswd makes them."""
    found = access(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n")

    assert found.users == {"alice": HASH.encode(), "bob": HASH.encode()}
    assert found.context is None
    assert found.files == (tmp_path / "web.yml",)
    assert access(tmp_path, "{}\n").users == OPEN.users == {}


def test_files_are_named_as_seen_from_this_one(tmp_path: Path, server: Signed) -> None:
    """By default TLS 1.2 and 1.3, and nobody is asked for a certificate."""
    for file in server:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
    found = access(tmp_path, text)

    assert found.context is not None
    assert found.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert found.context.maximum_version is ssl.TLSVersion.TLSv1_3
    assert found.context.verify_mode is ssl.CERT_NONE
    assert found.files == tuple(tmp_path / name for name in ("web.yml", "server.pem", "server.key"))


def test_clients_can_be_asked_for_certificates(
    tmp_path: Path, authority: Authority, server: Signed
) -> None:
    """Their authority is named beside."""
    found = access(
        tmp_path,
        f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.cert}\n"
        "  min_version: TLS13\n"
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny}}\n",
    )

    assert found.context is not None
    assert found.context.verify_mode is ssl.CERT_REQUIRED
    assert found.context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert found.headers == {"X-Frame-Options": "deny"}


TLS = "tls_server_config: {cert_file: CERT, key_file: KEY"
BROKEN: list[tuple[str, str]] = [
    ("- a\n", "must be a mapping, not a list"),
    (
        "basic_auth_user: {}\n",
        "basic_auth_user: unknown key; did you mean basic_auth_users?",
    ),
    (
        "rate_limit: {burst: 20}\n",
        (
            "rate_limit: unknown key; known here: basic_auth_users, http_server_config,"
            " tls_server_config"
        ),
    ),
    (
        f"basic_auth_users: {{alice: {CANARY}}}\n",
        "basic_auth_users.alice: is no bcrypt hash: make one with `htpasswd -nBC 10 USER`",
    ),
    (
        f"basic_auth_users: {{alice: {HASH.replace('$10$', '$31$')}}}\n",
        (
            "basic_auth_users.alice: is a bcrypt hash whose cost is not from 4 to 16: make one"
            " with 10"
        ),
    ),
    (
        f"basic_auth_users: {{'a:b': {HASH}}}\n",
        ("basic_auth_users.'a:b': is no name of a user: printable characters only, and no colon"),
    ),
    (
        "http_server_config: {headers: {Set-Cookie: x}}\n",
        (
            "http_server_config.headers.Set-Cookie: cannot be set: only"
            " Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options,"
            " X-Frame-Options, X-XSS-Protection can"
        ),
    ),
    (
        "http_server_config: {headers: {X-Frame-Options: allow}}\n",
        "http_server_config.headers.X-Frame-Options: must be deny or sameorigin",
    ),
    (
        'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nX: y"}}\n',
        "http_server_config.headers.X-XSS-Protection: must be printable ASCII in one line",
    ),
    ("tls_server_config: {cert_file: CERT}\n", "tls_server_config.key_file: is missing"),
    (
        f"{TLS}, client_auth_type: RequireAnyClientCert}}\n",
        (
            "tls_server_config.client_auth_type: 'RequireAnyClientCert' is not one of"
            " NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert; did you mean"
            " RequireAndVerifyClientCert?"
        ),
    ),
    (
        f"{TLS}, client_auth_type: RequireAndVerifyClientCert}}\n",
        (
            "tls_server_config.client_ca_file: is missing: client_auth_type"
            " RequireAndVerifyClientCert needs it"
        ),
    ),
    (
        f"{TLS}, client_ca_file: CERT}}\n",
        (
            "tls_server_config.client_auth_type: asks for no certificates, so client_ca_file is"
            " of no use"
        ),
    ),
    (
        f"{TLS}, min_version: TLS10}}\n",
        ("tls_server_config.min_version: 'TLS10' is not one of TLS12, TLS13; did you mean TLS13?"),
    ),
    (
        f"{TLS}, min_version: TLS13, max_version: TLS12}}\n",
        "tls_server_config.max_version: is older than min_version",
    ),
    (
        f"{TLS}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: KEY}}\n",
        "tls_server_config.client_ca_file: KEY holds no certificate",
    ),
    (
        f"{TLS}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: /nowhere/ca}}\n",
        ("tls_server_config.client_ca_file: cannot read /nowhere/ca: No such file or directory"),
    ),
    (
        "tls_server_config: {cert_file: CERT, key_file: /nowhere/key}\n",
        (
            "tls_server_config.cert_file: cannot read CERT or /nowhere/key: No such file or"
            " directory"
        ),
    ),
    (
        "tls_server_config: {cert_file: CERT, key_file: OTHER}\n",
        (
            "tls_server_config.key_file: CERT and OTHER cannot be used: the key is not that of"
            " the certificate"
        ),
    ),
    (
        "tls_server_config: {cert_file: CERT, key_file: LOCKED}\n",
        (
            "tls_server_config.key_file: CERT and LOCKED cannot be used: a PEM certificate and"
            " a PEM key without a password are needed"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_mistakes_are_told(
    tmp_path: Path, authority: Authority, server: Signed, text: str, message: str
) -> None:
    """In plain words, with line and key, and without a word of what is secret."""
    names = {
        "CERT": server.cert,
        "KEY": server.key,
        "OTHER": authority.sign("other").key,
        "LOCKED": authority.sign("locked", encrypted=True).key,
    }
    for name, path in names.items():
        text = text.replace(name, str(path))
        message = message.replace(name, str(path))

    assert mistakes(tmp_path, text) == [f"line 1: {message}"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """In the order of the file."""
    text = (
        f"basic_auth_users:\n  alice: {CANARY}\n  alice: {HASH}\n"
        "tls_server_config:\n  cert: x\n"
        "http_server_config:\n  headers: {X-Frame-Options: allow}\n"
    )

    assert [line.split(": ")[1] for line in mistakes(tmp_path, text)] == [
        "basic_auth_users.alice",
        "basic_auth_users.alice",
        "tls_server_config.cert_file",
        "tls_server_config.key_file",
        "tls_server_config.cert",
        "http_server_config.headers.X-Frame-Options",
    ]


def test_the_configuration_names_the_mistakes_of_the_file_too(tmp_path: Path) -> None:
    """So that `check` finds them, before a start does."""
    written(tmp_path, "basic_auth_users: {alice: secret}\n")
    path = tmp_path / "my.yaml"
    path.write_text(
        "web: {config_file: web.yml}\n"
        "credentials: {ocp: {kind: basic, username: viewer, password: secret}}\n"
        "targets: [{name: ocp, system: ocp, endpoint: 'https://ocp.example', credentials: ocp}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    with pytest.raises(ConfigError, match=r"cannot read elsewhere\.yml: No such file"):
        load(path, {}, {"--web.config.file": ["elsewhere.yml"]})

    assert caught.value.problems == (
        (
            f"line 1: web.config_file: {tmp_path}/web.yml: line 1: basic_auth_users.alice: is no"
            " bcrypt hash: make one with `htpasswd -nBC 10 USER`"
        ),
    )


def test_the_example_in_the_documents_holds(tmp_path: Path, authority: Authority) -> None:
    """With all that it names beside it."""
    page = (Path(__file__).parent.parent / "docs" / "web.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    own = authority.sign("example")
    for name, path in zip(("server.crt", "server.key"), own, strict=True):
        (tmp_path / name).write_bytes(path.read_bytes())
    (tmp_path / "clients.crt").write_bytes(authority.cert.read_bytes())
    found = access(tmp_path, text)

    assert found.context is not None
    assert found.context.verify_mode is ssl.CERT_REQUIRED
    assert found.users.keys() == {"prometheus"}
    assert found.headers == {"Strict-Transport-Security": "max-age=31536000"}
