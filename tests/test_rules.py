"""What texts of the configuration must look like."""

from collections.abc import Callable

import pytest

from exporter.config import rules

CANARY = "hunter2-canary"
NO_URL = "not a URL: write it like https://host, https://host:8443 or https://host/prefix"
NOT_IN_URLS = "has characters that no URL may have"


def refusal(rule: Callable[[str], None], text: str) -> str:
    """Return why the rule refuses the text."""
    with pytest.raises(ValueError, match=r"^\S") as caught:
        rule(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://user:{CANARY}@roma.example", "a URL must not hold a user or a password"),
        (f"https://{CANARY}@roma.example", "a URL must not hold a user or a password"),
        (f"https://a.example/?t={CANARY}", "a base URL must not hold a query or a fragment"),
        ("https://a.example/#x", "a base URL must not hold a query or a fragment"),
        ("ftp://roma.example", NO_URL),
        ("roma.example", NO_URL),
        ("", NO_URL),
        ("https://", NO_URL),
        ("https://a.example:99999", NO_URL),
        ("https://a .example", NOT_IN_URLS),
        ("https://a.example\n", NOT_IN_URLS),
        ("https://a.example/\u200b", NOT_IN_URLS),
    ],
)
def test_base_urls_that_could_leak_or_fail_are_refused(url: str, expected: str) -> None:
    """And never repeated, because of what people put into URLs."""
    found = refusal(rules.base_url, url)

    assert found == expected


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        *((f"http://{host}", True) for host in ("roma.example", "10.0.0.1:80", "[2001:db8::1]")),
        *((f"http://{host}", True) for host in ("localhost.example", "127.0.0.1.example")),
        *((f"http://{host}", False) for host in ("localhost:8080", "127.0.0.1", "127.8.8.8:1/x")),
        ("http://[::1]:8080", False),
        *((f"https://{host}", False) for host in ("roma.example:8443/a/b/", "10.0.0.1")),
        ("HTTPS://ROMA.example", False),
        ("HTTP://ROMA.example", True),
    ],
)
def test_base_urls_that_are_fine(url: str, readable: bool) -> None:  # noqa: FBT001 - a table
    """What goes to some of them can be read on the way: plain HTTP that leaves the machine."""
    rules.base_url(url)

    assert rules.is_readable(url) is readable


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":10047", (None, 10047)),
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        ("[::]:0", ("::", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("my-host.example:080", ("my-host.example", 80)),
    ],
)
def test_addresses_to_listen_on(address: str, expected: tuple[str | None, int]) -> None:
    """Without a host it is every address of the machine; port 0 is any free one."""
    assert rules.split_address(address) == expected


@pytest.mark.parametrize(
    "address",
    ["", "10047", ":", ":x", ":65536", "::1:80", "a b:80", "http://a:80", ":-1", "[a:1", ":\u0661"],
)
def test_addresses_that_are_none(address: str) -> None:
    """A bad port is told before anything starts."""
    found = refusal(rules.listen_address, address)

    assert found in {
        "must be an address to listen on, like :10047, 127.0.0.1:10047 or [::1]:10047",
        "has a port over 65535",
    }


@pytest.mark.parametrize("path", ["/metrics", "/a/b-c/d_e.f~g", "/m"])
def test_paths_that_metrics_can_have(path: str) -> None:
    """Any plain path."""
    rules.telemetry_path(path)

    assert path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(
            (path, "must be a path like /metrics: letters, digits, - _ . ~ between slashes")
            for path in ("", "metrics", "/", "/a?b", "/a b", "/a/../b", "/.", "//a", "/a/", "/ä")
        ),
        ("/-/healthy", "must not lie below /-/ or /api/: other pages are there"),
        ("/api/v1/status", "must not lie below /-/ or /api/: other pages are there"),
    ],
)
def test_paths_that_metrics_cannot_have(path: str, expected: str) -> None:
    """They would hide another page, or be none."""
    assert refusal(rules.telemetry_path, path) == expected


@pytest.mark.parametrize("name", ["a", "x" * 100, "Kafka (prod) ✓", "a.b/c"])
def test_names_that_can_be_shown(name: str) -> None:
    """Anything that prints on one line."""
    rules.name(name)

    assert name


@pytest.mark.parametrize("name", ["", " a", "a ", "x" * 101, "a\nb", "a\tb", "\ud800", "\u200b"])
def test_names_that_cannot(name: str) -> None:
    """They would break tables and logs, or look like another name."""
    found = refusal(rules.name, name)

    assert found == "must have 1 to 100 printable characters and no space at its ends"


@pytest.mark.parametrize("text", ["", "a/b", "..", "a.b", "a b", "x" * 101, "é", "a\n"])
def test_ids_that_would_change_a_url(text: str) -> None:
    """An id is one segment of a path, as it is."""
    found = refusal(rules.identifier, text)

    assert found == "must have 1 to 100 letters, digits, - and _ only"
