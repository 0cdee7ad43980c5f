"""TLS at the client's side of a connection, with what certificates a proxy shows. No sockets here."""

import hashlib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trustme

_NEGOTIATED: Final = "postgresql"
"""The protocol's name, which a client without a request for TLS (`sslnegotiation=direct`) insists on."""


class Certificates:
    """A certificate authority of its own, and a certificate by it for the names of a server."""

    def __init__(self, names: Sequence[str], *, expired: bool = False) -> None:
        self._authority = trustme.CA()
        until = datetime(2001, 1, 1, tzinfo=UTC) if expired else None
        certificate = self._authority.issue_cert(*names, not_before=until, not_after=until)
        self.hosts: list[str | None] = []
        """The host names that clients asked for, one for each handshake."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.num_tickets = 0  # a client would not wait for them, and they would be counted as an answer
        self.context.set_alpn_protocols([_NEGOTIATED])
        self.context.sni_callback = lambda _object, name, _context: self.hosts.append(name)
        self._pem = certificate.private_key_and_cert_chain_pem
        with self._pem.tempfile() as path:
            self.context.load_cert_chain(path)
        encoded = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
        self.binding = hashlib.sha256(encoded).digest()
        """What channel binding compares: `tls-server-end-point`."""

    def write_certificate(self, path: Path) -> None:
        """Writes the certificate with its key to a file."""
        self._pem.write_to_path(str(path))

    def write_authority(self, path: Path) -> Path:
        """Writes the authority's certificate to a file, and returns the path."""
        self._authority.cert_pem.write_to_path(str(path))
        return path


class Layer:
    """One connection's TLS, between the bytes of its socket and those that are meant."""

    def __init__(self, certificates: Certificates) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = certificates.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_shaking = True
        """The handshake is not done yet."""

    def decrypt(self, received: bytes) -> bytes:
        """What was meant by these bytes. Raises `ssl.SSLError`; what is to be answered is in `outgoing()`."""
        self._incoming.write(received)
        meant = bytearray()
        try:
            if self.is_shaking:
                self._object.do_handshake()
                self.is_shaking = False
            while part := self._object.read(1 << 16):
                meant += part
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return bytes(meant)

    def encrypt(self, data: bytes) -> bytes:
        """What to send for these bytes, and what was to be sent before."""
        if data:
            self._object.write(data)
        return self.outgoing()

    def farewell(self) -> bytes:
        """What announces the end, as a server does that closes in good order."""
        if not self.is_shaking:
            with suppress(ssl.SSLError):
                self._object.unwrap()
        return self.outgoing()

    def outgoing(self) -> bytes:
        """What TLS itself has to send."""
        return self._outgoing.read()
