"""URLs: one canonical form."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.url import build, encode_query, parse_endpoint

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://roma.example", "https://roma.example"),
        ("https://roma.example/", "https://roma.example"),
        ("HTTPS://Roma.Example:443", "https://roma.example"),
        ("http://roma.example:80/", "http://roma.example"),
        ("https://roma.example:8443", "https://roma.example:8443"),
        ("https://gate.example/a%20b/c~d/", "https://gate.example/a%20b/c~d"),
        ("https://gate.example/a b", "https://gate.example/a%20b"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_endpoint_has_one_form(text: str, expected: str) -> None:
    """Case, default ports, slashes at the end and escapes do not make a difference."""
    assert parse_endpoint(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "roma.example",
        "roma.example:443",
        "ftp://roma.example",
        "https://",
        "https:///path",
        "https://user@roma.example",
        "https://user:canary@roma.example",
        "https://roma.example?x=canary",
        "https://roma.example#x",
        "https://[::1",
        "https://roma.example:port",
    ],
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    """The message says how to write one and does not repeat what may be a password."""
    with pytest.raises(ValueError, match="URL") as caught:
        parse_endpoint(text)

    assert "canary" not in str(caught.value)


def test_path_and_query_are_encoded_with_unreserved_characters_only() -> None:
    """A name can hold anything: it changes neither the path nor the other parameters."""
    query: list[tuple[str, str | int]] = [
        ("name", "a b+c%2F~*é🙂&x=y\n#?"),
        ("limit", 999),
        ("flag", True),
        ("empty", ""),
    ]

    url = build("https://h/pre%20fix", "/v2/it's/a?b#c%d/~e", query)

    assert url == (
        "https://h/pre%20fix/v2/it%27s/a%3Fb%23c%25d/~e?empty=&flag=true&limit=999"
        "&name=a%20b%2Bc%252F~%2A%C3%A9%F0%9F%99%82%26x%3Dy%0A%23%3F"
    )


def test_a_trailing_slash_of_the_path_stays() -> None:
    """What a server takes for another resource is not changed."""
    assert build("https://h", "/a/") == "https://h/a/"
    assert build("https://h", "/") == "https://h/"


def test_pairs_are_sorted_by_key_then_value() -> None:
    """Numbers are sorted as numbers, before text."""
    pairs: list[tuple[str, str | int]] = [
        ("n", 10),
        ("n", 9),
        ("n", "8"),
        ("b", "y"),
        ("b", "x"),
        ("a", "z"),
    ]

    assert encode_query(pairs) == "a=z&b=x&b=y&n=9&n=10&n=8"


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    """Text that is no Unicode does not break a request."""
    assert build("https://h", "/\ud800") == "https://h/%3F"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)), st.data())
def test_nothing_is_lost(pieces: list[str], data: st.DataObject) -> None:
    """Whoever decodes the URL finds the path and the pairs that were given, and nothing else."""
    pieces = [piece.replace("/", "") for piece in pieces]
    query = data.draw(st.lists(st.tuples(TEXT.filter(bool), TEXT)))

    url = urlsplit(build("https://h", "/" + "/".join(pieces), query))

    assert [unquote(piece) for piece in url.path[1:].split("/")] == (pieces or [""])
    assert parse_qsl(url.query, keep_blank_values=True) == sorted(query)
    assert url.fragment == ""
