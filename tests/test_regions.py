"""Where the services of a region answer."""

import pytest

from exporter.api import regions
from exporter.api.regions import Service


@pytest.mark.parametrize(
    ("service", "region", "expected"),
    [
        ("roma", "cn-north-4", "https://roma.cn-north-4.myhuaweicloud.com"),
        ("dms", "ap-southeast-3", "https://dms.ap-southeast-3.myhuaweicloud.com"),
        ("iam", "la-north-2", "https://iam.la-north-2.myhuaweicloud.com"),
        ("dms", "my-kualalumpur-1", "https://dms.my-kualalumpur-1.myhuaweicloud.com"),
        ("iam", "ae-ad-1", "https://iam.ae-ad-1.myhuaweicloud.com"),
        ("roma", "eu-west-101", "https://roma.eu-west-101.myhuaweicloud.eu"),
        ("dms", "eu-west-101", "https://dms.eu-west-101.myhuaweicloud.eu"),
        ("iam", "eu-west-199", "https://iam.eu-west-199.myhuaweicloud.eu"),
        ("dms", "eu-west-0", "https://dms.eu-west-0.prod-cloud-ocb.orange-business.com"),
        ("dms", "eu-de", "https://dms.eu-de.otc.t-systems.com"),
        ("iam", "eu-nl", "https://iam.eu-nl.otc.t-systems.com"),
        ("dms", "xx-tomorrow-42", "https://dms.xx-tomorrow-42.myhuaweicloud.com"),
    ],
)
def test_endpoints(service: Service, region: str, expected: str) -> None:
    """By pattern: Huawei Cloud, its European part, the Open Telekom Cloud, and what is new."""
    assert regions.endpoint(service, region) == expected


@pytest.mark.parametrize(
    "region",
    [
        *("", "eu", "EU-DE", "eu-west", "eu_west_101", "eu-west-101.evil.example", "eu-west-101/"),
        *("eu-west-101\n", "eu west-1", "eu-west-12345", "\u0435u-west-101", "https://h", "eu-fr"),
    ],
)
def test_what_is_no_region_is_refused(region: str) -> None:
    """It would become a part of a host name that credentials are sent to."""
    with pytest.raises(ValueError, match=r"^is no name of a region, like eu-west-101, ap-southe"):
        regions.endpoint("dms", region)


@pytest.mark.parametrize("region", ["eu-de", "eu-nl"])
def test_what_a_region_does_not_have(region: str) -> None:
    """The Open Telekom Cloud has DMS, but no ROMA Connect."""
    assert regions.is_telekom(region)
    with pytest.raises(ValueError, match=r"^the Open Telekom Cloud has no ROMA Connect"):
        regions.endpoint("roma", region)
    with pytest.raises(ValueError, match=r"^Orange's Flexible Engine has no ROMA Connect"):
        regions.endpoint("roma", "eu-west-0")
