"""A proxy in front of PostgreSQL: counts and shows what crosses the wire, and delays, stalls, cuts or refuses it.

It speaks protocol 3, with TLS and SCRAM at the client's side where it is given certificates and a password. One thread
serves every connection. What a client sends is counted before it is passed on, and calls from other threads run when
all that had arrived is served: a test reads settled numbers.

proxy        what a test holds
connection   one client and its server: what is counted, and where a fault strikes
side         one of the two sockets
tls, scram   what a client meets before it is passed on
loop         the thread
"""

from tests.support.wire.connection import Seen
from tests.support.wire.proxy import WireProxy

__all__ = ["Seen", "WireProxy"]
