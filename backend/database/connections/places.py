"""Describes where a connect failed, and how, for the text of an error: hosts and ports, nothing else of the URL."""

from collections.abc import Mapping
from typing import Final, Literal

Failure = Literal["unknown", "refused", "unbegun", "silent", "closed", "answered"]
"""The host's name is unknown; its port refused the connection; libpq failed before it waited for an answer; no answer
came in time; the connection was closed before the server sent anything; the server sent an error."""

_OPTION: Final = "or an option of DATABASE_URL cannot be used, such as a service, GSSAPI or a certificate"
_HOST: Final = {
    "unknown": "the name of host {host!r} is unknown",
    "refused": "host {host!r} refused a connection to port {port}",
    "unbegun": "libpq began no connection to host {host!r}, port {port}: no network reaches it, " + _OPTION,
    "silent": "host {host!r} gave no answer at port {port} in time",
    "closed": "host {host!r} opened no session at port {port}",
    "answered": "host {host!r}, port {port}",
}
_SOCKET: Final = {"unbegun": "nothing listens at port {port} in the socket folder {host!r}, " + _OPTION}
_HOSTS: Final = {
    "unknown": "the names of the hosts {host} are unknown",
    "silent": "none of the hosts {host} gave an answer in time",
    "answered": "hosts {host}",
}
_SEVERAL: Final = "none of the hosts {host} opened a session"


class Place(str):
    """A description of where and how a connect failed, as a note of the driver's error."""

    __slots__ = ()


def place(parameters: Mapping[str, str], failure: Failure) -> Place:
    """Return the description for the parameters of a connect and its failure."""
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    port = parameters.get("port") or "5432"
    if "," in host:
        shown = ", ".join(map(repr, host.split(",")))
        return Place(_HOSTS.get(failure, _SEVERAL).format(host=shown))
    texts = _HOST | _SOCKET if host.startswith(("/", "@")) else _HOST
    return Place(texts[failure].format(host=host, port=port))


def place_of(error: BaseException) -> str | None:
    """Return the description that the connector added to a driver's error, if any."""
    return next((note for note in getattr(error, "__notes__", ()) if isinstance(note, Place)), None)
