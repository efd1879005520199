"""Programs that some tests hold the exporter against."""

import os
import shutil
from pathlib import Path

import pytest

CHECKERS = Path(__file__).parent.parent / ".venv" / "checkers" / "bin"
"""Where `.ci/tools` puts the checkers, in CI."""
os.environ["PATH"] += f"{os.pathsep}{CHECKERS}"


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where `program` is missing, but never in CI, which installs all of them."""
    missing = shutil.which(program) is None and "CI" not in os.environ
    # On a machine of somebody who may not install it; in CI a missing program fails the test.
    return pytest.mark.skipif(missing, reason=f"{program} is not installed: see .ci/tools")
