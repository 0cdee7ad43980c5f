"""Runs a PostgreSQL from a wheel, for the demo and the tests: it starts and stops with this process.

The programs are those of `POSTGRES_BIN`, of a wheel or of the system; of a wheel only they are used. A supervisor
process stops the server when this process and its forks have ended, for whatever reason. Every process that uses a kept
folder locks it, so no two servers share one.

server        the server as a context manager
folders       the folders of data and socket, and the lock of a kept folder
binaries      where the programs are, and the account that they run as
supervisor    the process beside the server, run as a script
"""

from backend.embedded.folders import data_folder
from backend.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "data_folder"]
