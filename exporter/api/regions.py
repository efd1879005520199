"""
Where the services of a region answer: a pattern, so that new regions work without a new version.

Huawei Cloud, its European part, and the clouds of Telekom and Orange, by their pages of regions and
endpoints. Private clouds have hosts of their own: there the URL itself must be given.
"""

import re
from typing import Literal

Service = Literal["roma", "dms", "iam"]

_TELEKOM = frozenset({"eu-de", "eu-nl"})
_ORANGE = frozenset({"eu-west-0", "eu-west-1", "na-east-0"})
_EUROPE = re.compile(r"eu-west-1[0-9]{2}")
_SHAPE = re.compile(r"[a-z]{2}(-[a-z]{2,20}){1,2}-[0-9]{1,4}")


def check(region: str) -> None:
    """Raise ValueError where this is no name of a region; an unknown one is taken."""
    if region not in _TELEKOM and not _SHAPE.fullmatch(region):
        msg = "is no name of a region, like eu-west-101, ap-southeast-1 or eu-de"
        raise ValueError(msg)


def endpoint(service: Service, region: str) -> str:
    """Return the base URL of a service; raise ValueError where the region does not have it."""
    check(region)
    if region in _TELEKOM | _ORANGE and service == "roma":
        operator = "the Open Telekom Cloud" if region in _TELEKOM else "Orange's Flexible Engine"
        msg = f"{operator} has no ROMA Connect; if yours has, give endpoint"
        raise ValueError(msg)
    return f"https://{service}.{region}.{_domain(region)}"


def is_telekom(region: str) -> bool:
    """Whether the region is one of the Open Telekom Cloud."""
    return region in _TELEKOM


def _domain(region: str) -> str:
    if region in _TELEKOM:
        return "otc.t-systems.com"
    if region in _ORANGE:
        return "prod-cloud-ocb.orange-business.com"
    return "myhuaweicloud.eu" if _EUROPE.fullmatch(region) else "myhuaweicloud.com"
