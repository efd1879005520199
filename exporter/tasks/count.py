"""A number of runs."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""As far as a page can show it: beyond that, a float is not exact any more."""
