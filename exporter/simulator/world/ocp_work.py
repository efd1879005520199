"""The kinds of work that an OCP does, as data."""

from dataclasses import dataclass

MANUAL = "MANUAL"
SCHEDULED = "SCHEDULED"
SYS_SCHEDULED = "SYS_SCHEDULED"
SYS_ONECE = "SYS_ONECE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An OceanBase cluster, by OCP's id and by its own."""

    id: int
    name: str
    ob_cluster_id: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant of a cluster."""

    id: int
    name: str
    ob_tenant_id: int
    mode: str
    cluster: Cluster


ORDERS = Cluster(id=11, name="orders", ob_cluster_id=70021, type="PRIMARY")
REPORTS = Cluster(id=12, name="reports", ob_cluster_id=70022, type="STANDBY")
CLUSTERS = (ORDERS, REPORTS)
TENANTS = (
    Tenant(id=301, name="shop", ob_tenant_id=1002, mode="MYSQL", cluster=ORDERS),
    Tenant(id=302, name="billing", ob_tenant_id=1004, mode="ORACLE", cluster=ORDERS),
    Tenant(id=303, name="cubes", ob_tenant_id=1002, mode="MYSQL", cluster=REPORTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A subtask: seconds it takes (from, to), seconds it may take, and the steps it waits for."""

    name: str
    seconds: tuple[float, float]
    timeout: int
    after: tuple[int, ...] = ()
    parallel: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A kind of task; `every` seconds where it is scheduled, else a random gap of `mean_gap`."""

    name: str
    type: str
    steps: tuple[Step, ...]
    every: float | None = None
    mean_gap: float = 0.0
    on: str = ""
    """What it works on: `cluster`, `tenant`, or nothing of the kind."""
    prohibit_rollback: bool = False


def _chain(*steps: tuple[str, float, float, int]) -> tuple[Step, ...]:
    return tuple(
        Step(
            name=name,
            seconds=(low, high),
            timeout=timeout,
            after=(index - 1,) if index else (),
        )
        for index, (name, low, high, timeout) in enumerate(steps)
    )


WORKS = (
    Work(
        name="Create tenant",
        type=MANUAL,
        on="cluster",
        mean_gap=600.0,
        steps=(
            Step(name="Prepare create tenant", seconds=(0.5, 2.0), timeout=60),
            Step(name="Create unit config", seconds=(1.0, 8.0), timeout=60, after=(0,), parallel=0),
            Step(
                name="Create resource pool", seconds=(2.0, 15.0), timeout=60, after=(0,), parallel=1
            ),
            Step(name="Create tenant", seconds=(10.0, 60.0), timeout=180, after=(1, 2)),
            Step(name="Finish create tenant", seconds=(0.2, 1.0), timeout=60, after=(3,)),
        ),
    ),
    Work(
        name="Restart observer",
        type=MANUAL,
        on="cluster",
        mean_gap=900.0,
        steps=_chain(
            ("Stop observer process", 2.0, 20.0, 120),
            ("Wait leaders moved", 5.0, 60.0, 180),
            ("Start observer process", 5.0, 40.0, 180),
        ),
    ),
    Work(
        name="Reinstall OCP agent",
        type=MANUAL,
        mean_gap=600.0,
        steps=_chain(
            ("Prepare reinstalling OCP agent", 0.2, 1.0, 60),
            ("Uninstall ocp agent", 1.0, 5.0, 120),
            ("Install ocp agent", 5.0, 40.0, 240),
            ("Finish reinstalling OCP agent", 0.1, 0.5, 60),
        ),
    ),
    Work(
        name="Prepare host",
        type=SYS_ONECE,
        mean_gap=1800.0,
        prohibit_rollback=True,
        steps=_chain(("Check host", 1.0, 5.0, 60), ("Install software", 5.0, 60.0, 180)),
    ),
    Work(
        name="Back up tenant",
        type=SCHEDULED,
        on="tenant",
        every=600.0,
        steps=_chain(("Check backup policy", 0.5, 2.0, 60), ("Back up data", 30.0, 200.0, 300)),
    ),
    Work(
        name="Sync cluster information",
        type=SYS_SCHEDULED,
        on="cluster",
        every=60.0,
        prohibit_rollback=True,
        steps=_chain(("Sync cluster information", 0.5, 4.0, 60)),
    ),
    Work(
        name="Purge monitor data",
        type=SYS_SCHEDULED,
        every=180.0,
        prohibit_rollback=True,
        steps=_chain(("Purge monitor data", 1.0, 12.0, 60)),
    ),
)
"""Everything that goes on in the simulated OCP."""
