"""Who may ask the simulated clouds, and what is there to ask about. All of it is made up."""

from typing import NamedTuple


class HuaweiKey(NamedTuple):
    """A key pair of the simulated Huawei account; temporary ones come with a security token."""

    secret_key: str
    security_token: str = ""


# IAM
DOMAIN = "acme-demo"
USERNAME = "exporter"
PASSWORD = "canary-iam-password"  # noqa: S105 - made up
PROJECT_NAME = "eu-west-101"
PROJECT_ID = "0d5e7a1c9b3f4e2d8c6a4b2f1e3d5c7a"

# Huawei keys
ACCESS_KEY = "DEMOAK0000000EXPORTER"
SECRET_KEY = "canary-huawei-secret-key-0000000000000000"  # noqa: S105 - made up
TEMPORARY_ACCESS_KEY = "DEMOAK0000000TEMPORARY"
TEMPORARY_SECRET_KEY = "canary-temporary-secret-key-000000000000"  # noqa: S105 - made up
SECURITY_TOKEN = "canary-security-token-" + "t" * 1000
HUAWEI_KEYS = {
    ACCESS_KEY: HuaweiKey(SECRET_KEY),
    TEMPORARY_ACCESS_KEY: HuaweiKey(TEMPORARY_SECRET_KEY, SECURITY_TOKEN),
}
AGENCY_ACCESS_KEY = "DEMOAK0AGENCY"
AGENCY_SECRET = "canary-agency"  # noqa: S105 - made up
"""Secret keys and tokens that the metadata service gives out begin with it; keys are numbered."""

# OCP
OCP_USERNAME = "viewer"
OCP_PASSWORD = "canary-ocp-password"  # noqa: S105 - made up
OCP_ACCESS_KEY = "DemoOcpAccessKey"
OCP_SECRET_KEY = "canary-ocp-secret-key-00000000000"  # noqa: S105 - made up
OCP_USERS = {OCP_USERNAME: OCP_PASSWORD}
OCP_KEYS = {OCP_ACCESS_KEY: OCP_SECRET_KEY}

# What is there, and the names under which the demo watches it
FDI_INSTANCE = "5d0e61f2-7c3b-4a9d-8e15-0a1b2c3d4e5f"
FDI_TARGET = "roma-demo"
DMS_INSTANCES = {
    "kafka": "77f1a0b2-1c4d-4e8f-9a6b-2b3c4d5e6f70",
    "rabbitmq": "88e2b1c3-2d5e-4f90-8b7c-3c4d5e6f7081",
    "rocketmq": "99d3c2d4-3e6f-4a01-9c8d-4d5e6f708192",
}
OCP_TARGET = "ocp-demo"

CANARIES = ("canary-sql-password", "canary-sql-customer-list", "canary-db-host.internal")
"""Stand in the `task_detail` of every FDI task: nobody may show them."""

SECRETS = (
    PASSWORD,
    SECRET_KEY,
    TEMPORARY_SECRET_KEY,
    SECURITY_TOKEN,
    AGENCY_SECRET,
    OCP_PASSWORD,
    OCP_SECRET_KEY,
    *CANARIES,
)
"""Texts that must not be found in any log, page or state file."""


def dms_target(engine: str) -> str:
    """Return the name under which the instance of `engine` is watched."""
    return f"{engine}-demo"
