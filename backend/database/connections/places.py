"""Describes where a connect failed, and how, for the text of an error: hosts and ports, nothing else of the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

Failure = Literal["unknown", "refused", "unbegun", "silent", "tls", "unwanted", "closed", "answered"]
"""The host's name is unknown; its port refused the connection; libpq failed before it waited for an answer; no answer
came in time; TLS failed; a session was opened and is not what target_session_attrs asks for; the connection was closed
before the server sent anything else; the server sent an error."""

ACCEPTED: Final = "00000"
"""The server took the second connection: the first one came a moment too early."""

_RETRYABLE_SQLSTATES: Final = frozenset({ACCEPTED, "53300", "57P03", "XX000"})
"""Refusals that end by themselves: too many connections, the server starts or stops, Neon's compute wakes
(XX000: "Couldn't connect to compute node", "endpoint is idle, retry request"; `neon` has its other meanings)."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a connect failed."""

    failure: Failure
    sqlstate: str | None = None
    """As the server sent it, or `ACCEPTED`."""
    meaning: str | None = None
    """The SQLSTATE for what the server meant; `None` if there is none, or if no other attempt helps."""
    reason: str | None = None
    """What libpq says of TLS, or what to do."""
    is_final: bool = False
    """Whether the next attempt will fail too: a certificate, a disabled compute."""

    @property
    def is_temporary(self) -> bool:
        """Return whether to try again at once."""
        return self.failure == "unwanted" or self.meaning in _RETRYABLE_SQLSTATES  # a standby may become the writer


_OPTION: Final = "or an option of DATABASE_URL cannot be used, such as a service, GSSAPI or a certificate"
_HOST: Final = {
    "unknown": "the name of host {host!r} is unknown",
    "refused": "host {host!r} refused a connection to port {port}",
    "unbegun": "libpq began no connection to host {host!r}, port {port}: no network reaches it, " + _OPTION,
    "silent": "host {host!r} gave no answer at port {port} in time",
    "tls": "no TLS with host {host!r}, port {port}",
    "unwanted": "host {host!r}, port {port}, is not what target_session_attrs asks for",
    "closed": "host {host!r} opened no session at port {port}",
    "answered": "host {host!r}, port {port}",
}
_SOCKET: Final = {"unbegun": "nothing listens at port {port} in the socket folder {host!r}, " + _OPTION}
_HOSTS: Final = {
    "unknown": "the names of the hosts {host} are unknown",
    "silent": "none of the hosts {host} gave an answer in time",
    "tls": "no TLS with the hosts {host}",
    "unwanted": "none of the hosts {host} is what target_session_attrs asks for",
    "answered": "hosts {host}",
}
_SEVERAL: Final = "none of the hosts {host} opened a session"
_UNBOUND: Final = "it may not offer the channel binding that DATABASE_URL requires, as PgBouncer does not"


class Place(str):
    """A description of where and how a connect failed, as a note of the driver's error."""

    __slots__ = ("diagnosis",)

    diagnosis: Diagnosis

    @classmethod
    def of(cls, parameters: Mapping[str, str], diagnosis: Diagnosis) -> Self:
        """Return the description for the parameters of a connect and why it failed."""
        reason = diagnosis.reason
        if diagnosis.failure == "closed" and parameters.get("channel_binding") == "require":
            reason = _UNBOUND
        text = _place(parameters, diagnosis.failure)
        place = cls(text if reason is None else f"{text}: {reason}")
        place.diagnosis = diagnosis
        return place


def _place(parameters: Mapping[str, str], failure: Failure) -> str:
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    port = parameters.get("port") or "5432"
    if "," in host:
        shown = ", ".join(map(repr, host.split(",")))
        return _HOSTS.get(failure, _SEVERAL).format(host=shown)
    texts = _HOST | _SOCKET if host.startswith(("/", "@")) else _HOST
    return texts[failure].format(host=host, port=port)


def place_of(error: BaseException) -> Place | None:
    """Return the description that the connector added to a driver's error, if any."""
    return next((note for note in getattr(error, "__notes__", ()) if isinstance(note, Place)), None)
