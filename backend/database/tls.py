"""What a URL says of TLS: Neon's hosts require it, and a CA file has to be there. Nothing connects here.

For other servers the URL says whether to use TLS, as libpq does; its environment variables (`PGSSLMODE`, …) count too.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from psycopg import pq

from backend.database.connections.neon import is_neon_host


class UrlError(ValueError):
    """What is wrong with a URL, after the name of its variable; shows nothing of the URL but a choice of libpq's."""


def with_tls(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters with TLS required where the host is one of Neon's. Raises `UrlError`."""
    effective = _defaults() | {key: value for key, value in parameters.items() if value}
    hosts = effective.get("host", "").split(",")
    ca = effective.get("sslrootcert")
    if any(map(is_neon_host, hosts)):
        if parameters.get("sslmode", "") in _WITHOUT_TLS:
            raise UrlError(f"has sslmode={parameters['sslmode']}, and Neon requires TLS: {_EXPECTED}")
        if effective["sslmode"] in _WITHOUT_TLS:
            effective["sslmode"] = "verify-full" if ca == _SYSTEM else "require"
            parameters = {**parameters, "sslmode": effective["sslmode"]}
    if effective.get("sslnegotiation") == "direct" and effective["sslmode"] in _WITHOUT_TLS:
        raise UrlError(f"has sslnegotiation=direct, which requires TLS: {_EXPECTED}")
    if not all(host.startswith(("/", "@")) for host in hosts):
        _check_ca(ca, effective["sslmode"])
    return parameters


_WITHOUT_TLS: Final = ("disable", "allow", "prefer")
"""The values of `sslmode` with which libpq may send everything in plaintext."""

_EXPECTED: Final = "expected sslmode to be require, verify-ca or verify-full"

_SYSTEM: Final = "system"
"""The value of `sslrootcert` for the certificates of the system."""


def _defaults() -> dict[str, str]:
    """Return libpq's defaults, with what the environment changes in them."""
    return {option.keyword.decode(): option.val.decode() for option in pq.Conninfo.get_defaults() if option.val}


def _check_ca(ca: str | None, sslmode: str) -> None:
    if ca == _SYSTEM:
        if pq.__impl__ == "binary" and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
            raise UrlError(
                "has sslrootcert=system, which psycopg[binary] cannot use: its OpenSSL looks for certificates in a "
                "folder that does not exist; name a CA file, as in sslrootcert=/etc/ssl/certs/ca-certificates.crt"
            )
    elif ca and not os.access(ca, os.R_OK):
        raise UrlError("has an sslrootcert that is no readable file: name the file of a certificate authority")
    elif not ca and sslmode.startswith("verify-") and not Path("~/.postgresql/root.crt").expanduser().exists():
        raise UrlError(
            f"has sslmode={sslmode} and no sslrootcert: name the file of a certificate authority, "
            "as in sslrootcert=/etc/ssl/certs/ca-certificates.crt"
        )
