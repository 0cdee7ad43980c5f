"""A server's part of SCRAM-SHA-256, with channel binding over TLS, as in RFC 5802, RFC 7677 and RFC 5929."""

import base64
import hashlib
import hmac
import secrets
import struct
from typing import Final

_ITERATIONS: Final = 4096
_MECHANISM: Final = b"SCRAM-SHA-256"


class Scram:
    """One client's exchange: what it is asked, and whether it knows the password."""

    def __init__(self, password: str, binding: bytes | None) -> None:
        self._binding = binding
        self._salt = secrets.token_bytes(16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self._salt, _ITERATIONS)
        self._client_key, self._server_key = _mac(salted, b"Client Key"), _mac(salted, b"Server Key")
        self._said: list[bytes] = []
        self._bound = self._nonce = b""

    @property
    def request(self) -> bytes:
        """AuthenticationSASL: the mechanisms."""
        names = [_MECHANISM + b"-PLUS"] * (self._binding is not None) + [_MECHANISM]
        return _authentication(10, b"".join(name + b"\0" for name in names) + b"\0")

    def answer(self, body: bytes) -> bytes | None:
        """What to say to a password message: a challenge, then the proof; `None` if the password is wrong."""
        return self._proof(body) if self._said else self._challenge(body)

    @property
    def is_done(self) -> bool:
        return self._nonce == b"done"

    def _challenge(self, body: bytes) -> bytes:
        mechanism, _, rest = body.partition(b"\0")
        bound, authority, bare = rest[4:].split(b",", 2)
        self._bound = bound + b"," + authority + b","
        if self._binding is not None and mechanism.endswith(b"-PLUS"):
            self._bound += self._binding
        self._nonce = bare.rpartition(b"r=")[2] + secrets.token_hex(12).encode()
        said = b"r=%s,s=%s,i=%d" % (self._nonce, base64.b64encode(self._salt), _ITERATIONS)
        self._said = [bare, said]
        return _authentication(11, said)

    def _proof(self, body: bytes) -> bytes | None:
        final, _, proof = body.rpartition(b",p=")
        message = b",".join([*self._said, final])
        stored = hashlib.sha256(self._client_key).digest()
        key = _xor(base64.b64decode(proof), _mac(stored, message))
        is_bound = final == b"c=%s,r=%s" % (base64.b64encode(self._bound), self._nonce)
        if not is_bound or hashlib.sha256(key).digest() != stored:
            return None
        self._nonce = b"done"
        return _authentication(12, b"v=" + base64.b64encode(_mac(self._server_key, message)))


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _authentication(kind: int, body: bytes) -> bytes:
    return struct.pack("!cII", b"R", 8 + len(body), kind) + body
