"""The keys that the Huawei gateway knows: lasting ones, and temporary ones of an agency."""

from typing import NamedTuple

from exporter.simulator import accounts
from exporter.simulator.accounts import HuaweiKey

AGENCY_LIFETIME = 3600.0
"""Seconds for which the keys of an agency are good; new ones come from half of it on."""


class AgencyKeys(NamedTuple):
    """Keys with their security token, and when they end (epoch seconds)."""

    access_key: str
    key: HuaweiKey
    expires: float


class Keyring:
    """Issues the keys of an agency, and knows all keys by the access key."""

    def __init__(self) -> None:
        """Know the lasting keys only."""
        self._lasting = dict(accounts.HUAWEI_KEYS)
        self._issued: list[AgencyKeys] = []
        self._count = 0

    def secret_keys(self) -> dict[str, str]:
        """Return the secret keys by access key, of keys that have ended too."""
        issued = {keys.access_key: keys.key.secret_key for keys in self._issued}
        return {name: key.secret_key for name, key in self._lasting.items()} | issued

    def security_token(self, access_key: str, now: float) -> str | None:
        """Return the token that goes with the key, `""` for a lasting one, None if it has ended."""
        for keys in self._issued:
            if keys.access_key == access_key:
                return keys.key.security_token if now < keys.expires else None
        return self._lasting[access_key].security_token

    def agency_keys(self, now: float) -> AgencyKeys:
        """Return the latest keys, or newer ones if half of their time is over."""
        if not self._issued or now >= self._issued[-1].expires - AGENCY_LIFETIME / 2:
            self._count += 1
            key = HuaweiKey(
                f"{accounts.AGENCY_SECRET}-key-{self._count:020}",
                f"{accounts.AGENCY_SECRET}-token-{self._count}-" + "t" * 1000,
            )
            access_key = f"{accounts.AGENCY_ACCESS_KEY}{self._count:08}"
            self._issued.append(AgencyKeys(access_key, key, now + AGENCY_LIFETIME))
            # Only the latest two can still be good.
            del self._issued[:-3]
        return self._issued[-1]
