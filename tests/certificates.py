"""An authority that signs certificates for tests, by openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple

_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


class Signed(NamedTuple):
    """A certificate and its key."""

    cert: Path
    key: Path


class Authority:
    """Signs whatever it is asked to."""

    def __init__(self, folder: Path) -> None:
        """Make its own certificate."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.cert = folder / "ca.pem"
        self._key = folder / "ca.key"
        _openssl(
            f"req -x509 {_NEW_KEY} -days 2 -subj /CN=authority -keyout {self._key} -out {self.cert}"
            " -addext keyUsage=critical,keyCertSign"
        )

    def sign(self, name: str, *, encrypted: bool = False) -> Signed:
        """Return a new certificate for 127.0.0.1, to be told from others by its name."""
        made = Signed(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request = self._folder / f"{name}.csr"
        extensions = self._folder / "extensions"
        # From Python 3.13 on clients want more than the name.
        extensions.write_text(
            "subjectAltName=IP:127.0.0.1\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        _openssl(f"req {_NEW_KEY} -subj /CN={name} -keyout {made.key} -out {request}")
        _openssl(
            f"x509 -req -in {request} -CA {self.cert} -CAkey {self._key} -CAcreateserial -days 2"
            f" -extfile {extensions} -out {made.cert}"
        )
        if encrypted:
            _openssl(f"pkcs8 -topk8 -in {made.key} -out {made.key}.e -passout pass:hunter2")
            made.key.with_name(f"{made.key.name}.e").rename(made.key)
        return made


def _openssl(arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)
