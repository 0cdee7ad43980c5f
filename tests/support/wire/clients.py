"""Clients of the wire proxy: psycopg's, and bare sockets that speak the protocol."""

import socket
import struct

import psycopg
from psycopg import Connection

from tests.support.wire import WireProxy

QUERY, READY = b"Q\0\0\0\x0dSELECT 1\0", b"Z\0\0\0\5I"


def conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def connect(url: str) -> Connection:
    return psycopg.connect(conninfo(url), autocommit=True)


def write(connection: Connection, text: str = "one") -> None:
    connection.execute("INSERT INTO wire.written VALUES (%s)", (text,))


def written(direct: Connection) -> list[str]:
    return [text for (text,) in direct.execute("SELECT text FROM wire.written ORDER BY text").fetchall()]


def startup(user: str = "postgres") -> bytes:
    body = struct.pack("!i", 196608) + f"user\0{user}\0database\0postgres\0\0".encode()
    return struct.pack("!i", 4 + len(body)) + body


def raw_client(proxy: WireProxy) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", proxy.port))
    connected.sendall(startup())
    return connected


def until_ready(client: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(READY):
        answer += client.recv(1000)
    return answer


def until_end(connected: socket.socket) -> bytes:
    return b"".join(iter(lambda: connected.recv(1000), b""))
