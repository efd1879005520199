"""Programs that some tests hold the exporter against."""

import os
import shutil

import pytest


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where `program` is missing, but never in CI, which installs all of them."""
    missing = shutil.which(program) is None and "CI" not in os.environ
    # On a machine of somebody who may not install it; in CI a missing program fails the test.
    return pytest.mark.skipif(missing, reason=f"{program} is not installed: see .ci/tools")
