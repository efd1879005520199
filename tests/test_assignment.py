"""Which of several processes polls which target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import parse
from exporter.config.assignment import Share, own_share, shard_of
from exporter.config.settings import ShardSettings
from exporter.errors import ConfigError

GOOD = """\
credentials:
  ocp: {kind: basic, username: viewer, password: secret}
targets:
  - {name: ocp, system: ocp, endpoint: "https://ocp.example", credentials: ocp}
"""
NAMES = [f"target-{n}" for n in range(1000)]
ON_HOSTS = ShardSettings(index="hostname", total=3)


@given(st.text(min_size=1), st.integers(1, 50))
def test_each_target_is_polled_by_exactly_one(name: str, total: int) -> None:
    """Whatever it is called."""
    holders = [index for index in range(total) if Share(index, total).holds(name)]

    assert holders == [shard_of(name, total)]


@given(st.text(min_size=1), st.integers(1, 50))
def test_a_target_moves_only_to_the_shard_that_is_new(name: str, total: int) -> None:
    """So the others lose some targets at most, and gain none."""
    assert shard_of(name, total + 1) in {shard_of(name, total), total}


@pytest.mark.parametrize("total", [2, 3, 4, 10])
def test_few_targets_move_and_loads_are_even(total: int) -> None:
    """About one in `total` moves when that one is added; each has about as many as the others."""
    moved = sum(shard_of(name, total - 1) != shard_of(name, total) for name in NAMES)
    loads = [sum(shard_of(name, total) == index for name in NAMES) for index in range(total)]

    assert moved == pytest.approx(1000 / total, rel=0.25)
    assert loads == pytest.approx([1000 / total] * total, rel=0.35)


def test_the_assignment_never_changes() -> None:
    """Another version or machine that drew differently would count what this one counts."""
    names = ("roma-prod", "kafka-prod", "ocp-main", "naïve 🚀")

    assert [[shard_of(name, total) for name in names] for total in (1, 2, 3, 7)] == [
        [0, 0, 0, 0],
        [1, 0, 0, 1],
        [1, 0, 0, 1],
        [4, 0, 0, 5],
    ]


@pytest.mark.parametrize(
    ("settings", "hostname", "share"),
    [
        (ShardSettings(), "anything", Share(0, 1)),
        (ShardSettings(index=1, total=2), "cte-0", Share(1, 2)),
        (ON_HOSTS, "cte-0", Share(0, 3)),
        (ON_HOSTS, "my-cte-2.cte.monitoring.svc.cluster.local", Share(2, 3)),
    ],
)
def test_the_index_is_given_or_stands_in_the_name_of_the_host(
    settings: ShardSettings, hostname: str, share: Share
) -> None:
    """Pods of a StatefulSet are named so; what is given goes before that."""
    assert own_share(settings, hostname) == share


@pytest.mark.parametrize("hostname", ["cte-3", "cte", "cte2", "cte-02", "cte-6f9-x7k2", "", "cte-"])
def test_a_name_without_an_index_is_refused(hostname: str) -> None:
    """Pods of a Deployment have none, and a guess would poll targets twice."""
    with pytest.raises(ConfigError) as caught:
        own_share(ON_HOSTS, hostname)

    assert caught.value.problems == (
        (
            f"shard.index is hostname, but the host's name {hostname!r} does not end in a number"
            " from -0 to -2, as those of the pods of a StatefulSet do"
        ),
    )


@pytest.mark.parametrize(
    ("shard", "environ", "message"),
    [
        ("{total: 0}", {}, "line 1: shard.total: must be at least 1"),
        ("{index: -1}", {}, "line 1: shard.index: must be at least 0"),
        ("{index: 1}", {}, "line 1: shard.index: must be less than shard.total, which is 1"),
        ("{total: 3}", {}, "line 1: shard.index: is missing: 0 to 2, or hostname"),
        (
            "{index: hostnme}",
            {},
            "line 1: shard.index: 'hostnme' is not one of hostname; did you mean hostname?",
        ),
        (
            "{index: '1', total: 2}",
            {},
            "line 1: shard.index: must be a whole number, without quotes, not '1'",
        ),
        (
            "{}",
            {"SHARD_INDEX": "", "SHARD_TOTAL": "2"},
            "line 1: shard.index: is missing: 0 to 1, or hostname",
        ),
        (
            "{}",
            {"SHARD_INDEX": "0", "SHARD_TOTAL": ""},
            (
                "CLOUD_TASK_EXPORTER_SHARD_TOTAL: shard.total: must be a whole number, without"
                " quotes, not nothing"
            ),
        ),
        (
            "{total: 2}",
            {"SHARD_INDEX": "2"},
            (
                "CLOUD_TASK_EXPORTER_SHARD_INDEX: shard.index: must be less than shard.total,"
                " which is 2"
            ),
        ),
    ],
)
def test_an_index_that_cannot_be_is_a_mistake(
    shard: str, environ: dict[str, str], message: str
) -> None:
    """In particular none at all among several: all of them would be the first."""
    given = {f"CLOUD_TASK_EXPORTER_{name}": text for name, text in environ.items()}
    with pytest.raises(ConfigError) as caught:
        parse(f"shard: {shard}\n{GOOD}", given)

    assert caught.value.problems == (message,)


def test_flags_and_variables_give_what_a_pod_needs() -> None:
    """The index from the label of the pod, or `hostname` where Kubernetes has no such label yet."""
    given = {"CLOUD_TASK_EXPORTER_SHARD_INDEX": "hostname", "CLOUD_TASK_EXPORTER_SHARD_TOTAL": "3"}

    assert parse(GOOD, given).shard == ON_HOSTS
    assert parse(GOOD, given, flags={"--shard.index": ["2"]}).shard == ShardSettings(
        index=2, total=3
    )
    with pytest.raises(ConfigError, match=r"SHARD_TOTAL: shard\.index: is missing: 0 to 2"):
        parse(GOOD, {"CLOUD_TASK_EXPORTER_SHARD_TOTAL": "3"})
