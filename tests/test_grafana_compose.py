"""The Compose file with Grafana and what Grafana is provisioned with: as far as reading tells."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from exporter import __version__
from exporter.commands.demo import ADDRESS
from exporter.simulator.scenarios import SCENARIOS

GRAFANA = Path(__file__).parent.parent / "grafana"
PROMETHEUS = GRAFANA.parent / "prometheus"
PORTS = {"exporter": 10047, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}


def read(path: Path) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


SERVICES = read(GRAFANA / "compose.yaml")["services"]
DATA_SOURCES = {
    each["type"]: each
    for path in (GRAFANA / "provisioning" / "datasources").glob("*.yaml")
    for each in read(path)["datasources"]
}
(PROVIDER,) = (
    each
    for path in (GRAFANA / "provisioning" / "dashboards").glob("*.yaml")
    for each in read(path)["providers"]
)
SCRAPED = read(PROMETHEUS / "prometheus.example.yml")


def mounted(service: str) -> dict[str, Path]:
    """Return what of this repository a service sees, by where it sees it."""
    volumes = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    assert all(options == ["ro"] for _, _, *options in volumes)
    return {inside: (GRAFANA / outside).resolve() for outside, inside, *_ in volumes}


def seen(service: str, inside: str) -> Path:
    """Return the file of this repository that a service finds at a path."""
    mounts = mounted(service)
    (mount,) = (mount for mount in mounts if Path(inside).is_relative_to(mount))
    return mounts[mount] / Path(inside).relative_to(mount)


def flag(service: str, name: str) -> str:
    """Return the value of a flag in the command of a service."""
    (value,) = (
        word.removeprefix(f"{name}=") for word in SERVICES[service]["command"] if name in word
    )
    return str(value)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_mounted_exists(service: str) -> None:
    """Docker would make empty folders of what does not."""
    assert [path for path in mounted(service).values() if not path.exists()] == []


def test_images_have_tags() -> None:
    """So that what runs tomorrow is what runs today; ours is the one that is built."""
    images = {name: service["image"] for name, service in SERVICES.items()}
    tags = {name: image.partition(":")[2] for name, image in images.items()}

    assert images["exporter"] == f"cloud-task-exporter:{__version__}"
    assert SERVICES["exporter"]["build"] == ".."
    assert (GRAFANA.parent / "Dockerfile").is_file()
    assert all(tag and tag != "latest" for tag in tags.values())


def test_all_are_on_one_network_with_their_ports_on_loopback() -> None:
    """What the example configurations call 127.0.0.1 is then the right one."""
    exporter, *others = SERVICES.values()

    assert SERVICES.keys() == PORTS.keys()
    assert [service["network_mode"] for service in others] == ["service:exporter"] * len(others)
    assert sorted(exporter["ports"]) == sorted(f"127.0.0.1:{n}:{n}" for n in PORTS.values())


def test_the_demo_has_failures_and_can_be_reached() -> None:
    """It listens to more than the container's own loopback, at the port that is scraped."""
    command = SERVICES["exporter"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))

    assert command[0] == "demo"
    assert options["--scenario"] in SCENARIOS
    assert options["--web.listen-address"] == f":{PORTS['exporter']}"
    assert ADDRESS.endswith(f":{PORTS['exporter']}")


@pytest.mark.parametrize("service", ["prometheus", "alertmanager"])
def test_configurations_are_the_examples(service: str) -> None:
    """Those that promtool and amtool have checked."""
    found = seen(service, flag(service, "--config.file"))

    assert found == PROMETHEUS / f"{service}.example.yml"
    assert found.is_file()


def test_prometheus_finds_its_rules_and_its_neighbours() -> None:
    """The rules lie beside the configuration; who is asked and told listens there."""
    (rules,) = SCRAPED["rule_files"]
    (job,) = SCRAPED["scrape_configs"]
    (manager,) = SCRAPED["alerting"]["alertmanagers"]

    assert sorted(seen("prometheus", f"/etc/prometheus/{Path(rules).parent}").glob("*.yaml"))
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{PORTS['exporter']}"]}]
    assert manager["static_configs"] == [{"targets": [f"127.0.0.1:{PORTS['alertmanager']}"]}]


@pytest.mark.parametrize("kind", ["prometheus", "alertmanager"])
def test_grafana_asks_who_is_there(kind: str) -> None:
    """At the port that the service listens on, and Prometheus as often as it scrapes."""
    source = DATA_SOURCES[kind]
    scraped = SCRAPED["global"]["scrape_interval"]

    assert urlsplit(source["url"]).netloc == f"127.0.0.1:{PORTS[kind]}"
    assert source["jsonData"].get("timeInterval", scraped) == scraped
    assert source.get("isDefault", False) is (kind == "prometheus")


def test_grafana_shows_our_dashboards() -> None:
    """It reads its provisioning, and the provider reads the folder with the dashboards."""
    assert mounted("grafana")["/etc/grafana/provisioning"] == GRAFANA / "provisioning"
    assert PROVIDER["type"] == "file"
    assert seen("grafana", PROVIDER["options"]["path"]) == GRAFANA / "dashboards"


def test_grafana_opens_with_the_overview() -> None:
    """Whoever comes has to log in nowhere, and sees whether everything runs."""
    settings = SERVICES["grafana"]["environment"]
    home = seen("grafana", settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert home == GRAFANA / "dashboards" / "overview.json"
    assert home.is_file()
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_pictures_of_the_readme_are_there_and_light() -> None:
    """Nobody waits for them, and a checkout stays small."""
    readme = (GRAFANA.parent / "README.md").read_text(encoding="utf-8")
    shown = [GRAFANA.parent / name for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", readme)]

    assert sorted(shown) == sorted((GRAFANA.parent / "docs" / "pictures").iterdir())
    assert [path.name for path in shown if path.stat().st_size > 120_000] == []
