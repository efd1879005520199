"""One try to log in: by whom, with what, for whom."""

import hashlib

import msgspec


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What vendors count: an account; and what tells whether to try it again: the secret."""

    account: str
    """Whatever the vendor would lock, such as a user or a pair of keys; it may go to many hosts."""
    secret: str
    place: str
    """Host that is shown the secret."""
    asker: str
    """For whom; one target may be refused what others get."""

    @property
    def digest(self) -> bytes:
        """Stand for account and secret, so that no second copy of the secret lies in memory."""
        text = f"{self.account}\n{self.secret}"
        return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).digest()

    def __repr__(self) -> str:
        """Never show account and secret."""
        return f"Login(at {self.place} for {self.asker})"
