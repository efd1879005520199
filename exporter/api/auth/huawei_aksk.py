"""Access keys of Huawei Cloud, lasting ones or temporary ones with their token."""

from exporter.api.auth.huawei_signed import HuaweiSigned
from exporter.api.auth.huawei_signing import Keys
from exporter.api.auth.iam import IamOptions
from exporter.api.auth.scheme import Surroundings, read_secret
from exporter.secret import Secret


class Options(IamOptions, frozen=True, kw_only=True):
    """A pair of keys, and the token that goes with temporary ones."""

    access_key: Secret
    """Id of the pair of keys."""
    secret_key: Secret
    """The key that signs."""
    security_token: Secret | None = None
    """Token of temporary keys; lasting keys have none."""


class HuaweiAkSk(HuaweiSigned):
    """Signs with keys that are read anew for every request."""

    options_type = Options
    statuses = ("200", "401", "403")

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Read nothing yet."""
        super().__init__(options, surroundings)
        self._options = options

    async def keys(self) -> Keys:
        """Return the keys as they are now; `Unauthorized` where a file cannot be read."""
        options = self._options
        token = options.security_token
        return Keys(
            read_secret(options.access_key),
            read_secret(options.secret_key),
            "" if token is None else read_secret(token),
        )
