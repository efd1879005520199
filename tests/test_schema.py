"""The strict reader of YAML, on types made up for it."""

import re
import traceback
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from exporter.config.schema import document
from exporter.config.schema.decoder import Choice, Decoder, Members
from exporter.config.schema.document import MAX_BYTES, MAX_DEPTH, read_document
from exporter.config.schema.problems import format_path
from exporter.duration import Duration
from exporter.errors import ConfigError
from exporter.secret import Secret

CANARY = "hunter2-canary"


class Colour(StrEnum):
    """A closed set."""

    RED = "red"
    GREEN = "green"


def even(value: int) -> None:
    """Refuse odd numbers."""
    if value % 2:
        msg = "must be even"
        raise ValueError(msg)


def lower(text: str) -> None:
    """Refuse capitals."""
    if text != text.lower():
        msg = "must be in lower case"
        raise ValueError(msg)


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping in a mapping."""

    text: str = ""
    limit: int = 1


class Cat(msgspec.Struct, frozen=True, kw_only=True):
    """One choice."""

    lives: int = 9


class Dog(msgspec.Struct, frozen=True, kw_only=True):
    """Another one."""

    name: str


PETS = Choice("kind", {"cat": Cat, "dog": Dog})
ROOMS = Members({"hall": Inner, "attic": Inner}, {"cellar": "this house has none"})


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """A key of each type."""

    text: str = "default"
    whole: int = 0
    number: float = 0.0
    truth: bool = False
    duration: Duration = Duration(1.0)
    word: Literal["kafka", "rabbitmq"] = "kafka"
    colour: Colour = Colour.RED
    pattern: re.Pattern[str] | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    path: Path | None = None
    password: Secret | None = None
    maybe: int | None = 1
    texts: tuple[str, ...] = ()
    numbers: list[int] = []
    names: Mapping[Annotated[str, lower], int] = {}
    inner: Inner = Inner()
    inners: tuple[Inner, ...] = ()
    bounded: Annotated[int, Meta(ge=2, le=8), even] = 2
    open_interval: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    slow: Annotated[Duration, Meta(ge=60)] = Duration(60.0)
    some: Annotated[tuple[int, ...], Meta(min_length=1)] = (1,)
    many: Annotated[tuple[int, ...], Meta(min_length=2)] = (1, 2)
    pet: Annotated[Any, PETS] = None
    rooms: Annotated[Mapping[str, Inner], ROOMS] = {}


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A key that must be there, and a secret that must be."""

    username: str
    password: Secret


def read(text: str, kind: Any = Everything, **environ: str) -> tuple[Any, list[str]]:
    """Return the value and the mistakes."""
    decoder = Decoder(environ, Path("/etc/exporter"))
    value = decoder.read(read_document(text), kind)
    return value, list(decoder.problems.lines())


def problems(text: str, kind: Any = Everything, **environ: str) -> list[str]:
    """Return the mistakes."""
    return read(text, kind, **environ)[1]


GOOD = [
    ("text: hello", "text", "hello"),
    ("text: 'yes'", "text", "yes"),
    ("text: ''", "text", ""),
    ("text: |\n  two\n  lines\n", "text", "two\nlines\n"),
    ("whole: -12", "whole", -12),
    ("whole: 0", "whole", 0),
    ("number: 1", "number", 1.0),
    ("number: 0.25", "number", 0.25),
    ("number: 1e3", "number", 1000.0),
    ("truth: true", "truth", True),
    ("truth: FALSE", "truth", False),
    ("duration: 1h30m", "duration", 5400.0),
    ("duration: '30s'", "duration", 30.0),
    ("word: rabbitmq", "word", "rabbitmq"),
    ("colour: green", "colour", Colour.GREEN),
    ("pattern: ^a.*$", "pattern", re.compile("^a.*$")),
    ("pattern: null", "pattern", None),
    ("zone: Europe/Berlin", "zone", ZoneInfo("Europe/Berlin")),
    ("path: sub/ca.pem", "path", Path("/etc/exporter/sub/ca.pem")),
    ("path: /ca.pem", "path", Path("/ca.pem")),
    ("maybe: ~", "maybe", None),
    ("maybe:", "maybe", None),
    ("maybe: 5", "maybe", 5),
    ("texts: [a, b]", "texts", ("a", "b")),
    ("texts: []", "texts", ()),
    ("numbers:\n- 1\n- 2\n", "numbers", (1, 2)),
    ("names: {a: 1, b: 2}", "names", {"a": 1, "b": 2}),
    ("inner: {text: x}", "inner", Inner(text="x")),
    ("inner: {}", "inner", Inner()),
    ("inners: [{text: x}, {limit: 2}]", "inners", (Inner(text="x"), Inner(limit=2))),
    ("bounded: 8", "bounded", 8),
    ("pet: {kind: dog, name: rex}", "pet", Dog(name="rex")),
    ("pet: {kind: cat}", "pet", Cat()),
    ("rooms: {attic: {limit: 3}}", "rooms", {"hall": Inner(), "attic": Inner(limit=3)}),
    ("# only a comment\n{}", "text", "default"),
]


@pytest.mark.parametrize(("text", "key", "expected"), GOOD)
def test_values_of_each_type_are_read(text: str, key: str, expected: object) -> None:
    """What is written in the type's form becomes a value of the type."""
    value, found = read(text)

    assert found == []
    assert getattr(value, key) == expected


BAD = [
    ("txt: x", "line 1: txt: unknown key; did you mean text?"),
    ("inner: {zzz: 1}", "line 1: inner.zzz: unknown key; known here: limit, text"),
    ("text: a\n\ntext: b\n", "line 3: text: is given twice; the first is on line 1"),
    ("inner: {'': x}", "line 1: inner.'': unknown key; known here: limit, text"),
    ("text: 12", "line 1: text: must be text: put quotes around it"),
    ("text: no", "line 1: text: must be text: put quotes around it"),
    ("text: 2024-01-01", "line 1: text: must be text: put quotes around it"),
    ("text:", "line 1: text: is empty"),
    ("text: [a]", "line 1: text: must be a single value, not a list"),
    ("text: {a: b}", "line 1: text: must be a single value, not a mapping"),
    ("whole: '5'", "line 1: whole: must be a whole number, without quotes, not '5'"),
    ("whole: 5.0", "line 1: whole: must be a whole number, without quotes, not '5.0'"),
    ("whole: 010", "line 1: whole: must be a whole number, without quotes, not '010'"),
    ("whole: 0x10", "line 1: whole: must be a whole number, without quotes, not '0x10'"),
    ("whole: 1:30", "line 1: whole: must be a whole number, without quotes, not '1:30'"),
    ("whole: true", "line 1: whole: must be a whole number, without quotes, not 'true'"),
    (
        f"whole: {'9' * 50}",
        f"line 1: whole: must be a whole number, without quotes, not '{'9' * 40}…'",
    ),
    ("number: .nan", "line 1: number: must be a number, without quotes, not '.nan'"),
    ("number: .inf", "line 1: number: must be a number, without quotes, not '.inf'"),
    ("number: 1e999", "line 1: number: must be a number, without quotes, not '1e999'"),
    ("number: '1'", "line 1: number: must be a number, without quotes, not '1'"),
    ("truth: 'true'", "line 1: truth: must be true or false, without quotes, not 'true'"),
    ("truth: yes", "line 1: truth: must be true or false, without quotes, not 'yes'"),
    ("truth: 1", "line 1: truth: must be true or false, without quotes, not '1'"),
    (
        "duration: 30",
        "line 1: duration: '30' has no unit: write a duration like 30s, 5m or 1h30m",
    ),
    (
        "duration: -30",
        "line 1: duration: '-30' has no unit: write a duration like 30s, 5m or 1h30m",
    ),
    (
        "duration: -30s",
        "line 1: duration: '-30s' is not a duration: write it like 30s, 5m or 1h30m",
    ),
    (
        "duration: 30 s",
        "line 1: duration: '30 s' is not a duration: write it like 30s, 5m or 1h30m",
    ),
    ("duration: 0s", "line 1: duration: must be longer than 0s"),
    ("slow: 30s", "line 1: slow: must be at least 1m"),
    ("word: kafak", "line 1: word: 'kafak' is not one of kafka, rabbitmq; did you mean kafka?"),
    ("word: 5", "line 1: word: '5' is not one of kafka, rabbitmq"),
    ("colour: blue", "line 1: colour: 'blue' is not one of red, green"),
    (
        "pattern: '*'",
        "line 1: pattern: '*' is not a regular expression: nothing to repeat at position 0",
    ),
    (
        "zone: Mars/Base",
        "line 1: zone: 'Mars/Base' is not a time zone: write it like UTC or Europe/Berlin",
    ),
    (
        "zone: ../etc",
        "line 1: zone: '../etc' is not a time zone: write it like UTC or Europe/Berlin",
    ),
    (
        "zone: Europe",
        "line 1: zone: 'Europe' is not a time zone: write it like UTC or Europe/Berlin",
    ),
    ("path: ''", "line 1: path: must be the path of a file"),
    ('path: "a\\0b"', "line 1: path: must be the path of a file"),
    ("texts: a", "line 1: texts: must be a list, not a single value"),
    ("texts:", "line 1: texts: must be a list, not empty"),
    ("texts: {a: b}", "line 1: texts: must be a list, not a mapping"),
    ("texts:\n- a\n- 5\n", "line 3: texts[1]: must be text: put quotes around it"),
    ("names: {A: 1}", "line 1: names.A: must be in lower case"),
    ("names: {a: x}", "line 1: names.a: must be a whole number, without quotes, not 'x'"),
    ("names: [a]", "line 1: names: must be a mapping, not a list"),
    ("inner: x", "line 1: inner: must be a mapping, not a single value"),
    ("inner:", "line 1: inner: must be a mapping, not empty"),
    ("bounded: 1", "line 1: bounded: must be at least 2"),
    ("bounded: 9", "line 1: bounded: must be at most 8"),
    ("bounded: 5", "line 1: bounded: must be even"),
    ("open_interval: 0", "line 1: open_interval: must be more than 0"),
    ("open_interval: 1", "line 1: open_interval: must be less than 1"),
    ("some: []", "line 1: some: must not be empty"),
    ("many: [1]", "line 1: many: must have at least 2 entries"),
    ("pet: {lives: 3}", "line 1: pet.kind: is missing: one of cat, dog"),
    ("pet: {kind: dogg}", "line 1: pet.kind: 'dogg' is not one of cat, dog; did you mean dog?"),
    ("pet: {kind: dog}", "line 1: pet.name: is missing"),
    ("pet: {kind: cat, name: x}", "line 1: pet.name: unknown key; known here: kind, lives"),
    ("pet: cat", "line 1: pet: must be a mapping, not a single value"),
    ("rooms: {cellar: {}}", "line 1: rooms.cellar: unknown key; this house has none"),
    ("rooms: {atic: {}}", "line 1: rooms.atic: unknown key; did you mean attic?"),
    (
        "rooms: {hall: {limit: x}}",
        "line 1: rooms.hall.limit: must be a whole number, without quotes, not 'x'",
    ),
    ("rooms: 5", "line 1: rooms: must be a mapping, not a single value"),
    ("- a", "line 1: must be a mapping, not a list"),
    ("password_file: ''", "line 1: password_file: must be the path of a file"),
    ("password: ''", "line 1: password: is empty"),
    ("password:", "line 1: password: is empty"),
    ("password: 123456", "line 1: password: must be text: put quotes around it"),
    (
        "password: a\npassword_file: b\n",
        "line 1: password: give either password or password_file, not both",
    ),
    ("text: ${NOPE}", "line 1: text: the environment has no variable NOPE"),
    ("inner: {<<: {limit: 1}}", "line 1: inner.'<<': unknown key; known here: limit, text"),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_each_mistake_is_named_with_its_place(text: str, expected: str) -> None:
    """One line: the line in the file, the path of the key, what is wrong, what would be right."""
    assert problems(text) == [expected]


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    """Nobody should have to start ten times to find ten mistakes."""
    text = """\
whole: x
inner:
  limit: y
  zzz: 1
inners:
  - limit: z
  - 5
pet: {kind: dog}
texts: [1]
"""

    assert problems(text) == [
        "line 1: whole: must be a whole number, without quotes, not 'x'",
        "line 3: inner.limit: must be a whole number, without quotes, not 'y'",
        "line 4: inner.zzz: unknown key; known here: limit, text",
        "line 6: inners[0].limit: must be a whole number, without quotes, not 'z'",
        "line 7: inners[1]: must be a mapping, not a single value",
        "line 8: pet.name: is missing",
        "line 9: texts[0]: must be text: put quotes around it",
    ]


def test_keys_that_must_be_there_are_missed_at_the_line_of_their_mapping() -> None:
    """A secret can be given in two ways, and both are said."""
    assert problems("{}", Login) == [
        "line 1: username: is missing",
        "line 1: password: is missing: give password or password_file",
    ]


def test_a_secret_is_read_from_its_key_or_its_file(tmp_path: Path) -> None:
    """Paths begin at the folder of the configuration; the decoder knows every file named."""
    (tmp_path / "pw").write_text("from-file\n")
    decoder = Decoder({}, tmp_path)
    value = decoder.read(read_document("{username: u, password_file: pw}"), Login)

    assert value.password.read() == "from-file"
    assert decoder.files == {("password_file",): tmp_path / "pw"}
    assert read("{username: u, password: text}", Login)[0].password.read() == "text"


EXPANSIONS = [
    ("text: ${A}", "alpha"),
    ("text: '${A}-${B}'", "alpha-42"),
    ("text: a${A}b", "aalphab"),
    ("text: $${A}", "${A}"),
    ("text: $$${A}", "$${A}"),
    ("text: $A", "$A"),
    ("text: ${B}", "42"),
    ("text: ${EMPTY}x", "x"),
    ("text: '${NESTED}'", "${A}"),
]


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS)
def test_variables_of_the_environment_stand_in_values(text: str, expected: str) -> None:
    """Each is replaced once: what a variable holds is not looked at again."""
    value, found = read(text, A="alpha", B="42", EMPTY="", NESTED="${A}")

    assert found == []
    assert value.text == expected


def test_variables_can_give_numbers_and_nothing() -> None:
    """Without quotes the text that comes out is read like any other."""
    text = "{whole: 5, maybe: 5}".replace("5", "${N}")
    block = "whole: ${N}\nmaybe: ${EMPTY}\ntruth: ${T}\nduration: ${D}\n"
    value, found = read(block, N="7", EMPTY="", T="true", D="2m")

    assert found == []
    assert (value.whole, value.maybe, value.truth, value.duration) == (7, None, True, 120.0)
    with pytest.raises(ConfigError, match="line 1: not valid YAML"):
        read(text)


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1A}", "${A-B}", "${ A }", "a${é}"])
def test_a_beginning_of_a_variable_that_is_none_is_refused(text: str) -> None:
    """It would otherwise become a password that nobody meant."""
    expected = (
        "line 1: text: ${ begins the name of a variable, as in ${NAME};"
        " write $${ for the text itself"
    )

    assert problems(f"text: '{text}'", A="x") == [expected]


@pytest.mark.parametrize(
    "key",
    [
        "whole",
        "number",
        "truth",
        "duration",
        "word",
        "colour",
        "pattern",
        "zone",
        "bounded",
        "slow",
    ],
)
def test_no_value_of_the_environment_is_repeated(key: str) -> None:
    """Messages show the name of the variable, as the file does."""
    found = problems(f"{key}: ${{X}}", X=f"({CANARY}")

    assert len(found) == 1
    assert CANARY not in found[0]


SECRET_SHAPES = [
    "password: *{}",
    "password: &{}",
    "password: !{}",
    "password: !{}!x y",
    "password: %{}",
    "password: @{}",
    "password: '{}",
    'password: "\\{}"',
    "password: [{}]",
    "password: {{{}: 1}}",
    "password: {}: x",
    "password: `{}",
    "password: |{}",
    "password:\n\t{}",
    "password: x\n {}\n- y",
    'password: "{}" "x"',
    "password: x\npassword: {}\npassword_file: {}",
]


@pytest.mark.parametrize("shape", SECRET_SHAPES)
def test_no_secret_is_repeated_whatever_is_wrong_around_it(shape: str) -> None:
    """Forgotten quotes are the likeliest mistake with a password."""
    text = shape.replace("{{", "{").replace("}}", "}").replace("{}", CANARY)
    try:
        told = "\n".join(problems(text))
    except ConfigError as error:
        told = "".join(traceback.format_exception(error))

    assert "line " in told
    assert CANARY[:7] not in told


BROKEN = [
    ("a: [1", "line 1: not valid YAML: expected , or ], but got <stream end>"),
    ("a: 1\n b: 2", "line 2: not valid YAML: mapping values are not allowed here"),
    ("a: 1\n\tb: 2", "line 2: a tab stands where YAML takes only spaces"),
    (
        "a: *x",
        "line 1: anchors and aliases are not allowed; a text with & or * in front needs quotes",
    ),
    (
        "a: &x 1",
        "line 1: anchors and aliases are not allowed; a text with & or * in front needs quotes",
    ),
    (
        "a: !!python/object:os.system 1",
        "line 1: tags are not allowed; a text with ! in front needs quotes",
    ),
    ("a: ! x", "line 1: tags are not allowed; a text with ! in front needs quotes"),
    ("a: 1\n---\nb: 2\n", "line 2: a second document starts: one file holds only one"),
    ("{[a]: 1}", "line 1: a key must be a word"),
    ("? {a: 1}\n: 2\n", "line 1: a key must be a word"),
    ("a: 1\nb: \x00", "line 2: has a control character"),
    ("[" * 100, f"line 1: nested more than {MAX_DEPTH} levels deep"),
    ("#" * (MAX_BYTES + 1), "larger than 1024 KiB: this is no configuration file"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN, ids=range(len(BROKEN)))
def test_text_that_is_no_plain_yaml_is_refused(text: str, expected: str) -> None:
    """Nothing in a file can name code, refer to itself or be endless."""
    with pytest.raises(ConfigError) as caught:
        read_document(text)

    assert caught.value.problems == (expected,)


def test_a_file_of_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes make a value, and each takes far more memory than that."""
    monkeypatch.setattr(document, "MAX_NODES", 100)

    with pytest.raises(ConfigError) as caught:
        read_document("- a\n" * 101)

    assert caught.value.problems == ("line 100: more than 100 values in one file",)


def test_a_billion_laughs_are_stopped_at_the_first() -> None:
    """Aliases, by which small files become endless, are refused when they are met."""
    lines = ["a: &a [lol, lol, lol]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]

    with pytest.raises(ConfigError) as caught:
        read_document("\n".join(lines))

    assert caught.value.problems[0].startswith("line 1: anchors and aliases are not allowed")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No file, however odd, ends in a traceback."""
    try:
        value, found = read(text)
    except ConfigError as error:
        found = list(error.problems)
        value = None

    assert found or isinstance(value, Everything)


SCALARS = st.one_of(st.text(max_size=10), st.integers(), st.floats(), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([f.name for f in msgspec.structs.fields(Everything)]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from([*Everything.__struct_fields__, "kind", "limit"]), TREES, max_size=6
    )
)
def test_any_structure_is_read_or_refused(tree: dict[str, object]) -> None:
    """The same for well-formed files with anything anywhere; JSON is YAML."""
    text = msgspec.json.encode(tree).decode()
    try:
        value, found = read(text)
    except ConfigError as error:
        value, found = None, list(error.problems)

    assert isinstance(value, Everything) or found
    assert all("\n" not in line for line in found)


def test_paths_are_written_as_people_write_them() -> None:
    """Odd keys are quoted and cut, so that each mistake stays on one line."""
    assert format_path(("targets", 0, "collectors", "a b\n", "x-y")) == (
        "targets[0].collectors.'a b\\n'.x-y"
    )
    assert format_path(("k" * 300,)) == repr("k" * 40)
    assert format_path(()) == ""
