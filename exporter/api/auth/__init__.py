"""Ways to prove who we are, by the `kind` of a credentials entry: one file and one line each."""

from collections.abc import Mapping

from exporter.api.auth.basic import Basic
from exporter.api.auth.huawei_aksk import HuaweiAkSk
from exporter.api.auth.huawei_metadata import HuaweiMetadata
from exporter.api.auth.huawei_password import HuaweiPassword
from exporter.api.auth.ocp_aksk import OcpAkSk
from exporter.api.auth.scheme import Scheme

SCHEMES: Mapping[str, type[Scheme]] = {
    "basic": Basic,
    "huawei_aksk": HuaweiAkSk,
    "huawei_metadata": HuaweiMetadata,
    "huawei_password": HuaweiPassword,
    "ocp_aksk": OcpAkSk,
}
