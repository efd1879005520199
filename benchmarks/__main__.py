"""Run every benchmark and print one JSON document."""

import json
import platform
import sys

from benchmarks import exposition, polling


def main() -> None:
    """Print the ratios; each is how many times faster we are than the peer, by medians."""
    document = {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "exposition": exposition.measure(),
        "polling": polling.measure(),
    }
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
