"""What to do about a poll that failed, by reason: the table for whoever sets a target up."""

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "auth": (
        "Log in to the console with the same name and password, or compare the keys. {login}"
        " Several wrong tries lock the account: try again only when something has changed."
    ),
    "forbidden": (
        "The login works. Give its user the right to read tasks ({rights}), then wait some"
        " minutes: rights are cached."
    ),
    "not_found": (
        "Compare project_id and instance_id with the console, and the endpoint with the region's"
        " and the service's: FDI, DMS and OCP each have a host of their own."
    ),
    "tls": (
        "For a private cloud name the file of its authority in tls.ca_file. The endpoint's host"
        " must be one of those that the certificate names."
    ),
    "network": (
        "From this machine: does the name of the host resolve, is the port right, and do firewall"
        " and routes let it pass? Proxies of the environment are not used."
    ),
    "timeout": (
        "If the host answers otherwise, raise request_timeout, poll_timeout or the collector's"
        " timeout, or lower page_size; if it never answers, a firewall drops the connection."
    ),
    "clock_skew": (
        "Signatures hold for 15 minutes. Set the clock of this machine by NTP; if it is right, the"
        " server's is not."
    ),
    "throttled": (
        "The account's quota is used up, maybe by others. Wait, then lower rate_limit or poll less"
        " often; `check` tells how many calls a minute this file makes."
    ),
    "server": (
        "The cloud itself failed. Try again later; give its support the number of the request."
    ),
    "payload": (
        "Something else than the API answered, or the API has changed: check endpoint and proxies."
        " If both are right, `collect --dump` writes what came, fit for a bug report."
    ),
    "internal": "This is a bug of the exporter. Please report it with the log line above.",
}
"""Every reason; `{login}` and `{rights}` stand for what the tables below say of the system."""

_IAM = (
    "The user of huawei_password is an IAM user and not the account's main user, needs no second"
    " factor, and belongs to `domain`; the token of one region is refused in another."
)
LOGINS: Mapping[str, str] = {
    "fdi": _IAM,
    "dms": _IAM,
    "ocp": "An administrator of OCP sees whether the user is locked, and may have forbidden Basic.",
}
RIGHTS: Mapping[str, str] = {
    "fdi": "roma:tasks:list and roma:tasks:get",
    "dms": "dms:instance:getBackgroundTask",
    "ocp": "the role CLUSTER_VIEWER, which holds TASK_VIEWER",
}


def hint(reason: str, system: str) -> str:
    """Return what to do next."""
    return HINTS[reason].format(login=LOGINS[system], rights=RIGHTS[system])
