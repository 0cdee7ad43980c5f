"""Text, and what is written as text: enums, UUIDs as text, bit strings, MAC addresses, network addresses."""

import re
from enum import Enum as PythonEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, String, Uuid
from sqlalchemy.dialects.postgresql import BIT, BitString

from backend.entity.column_types.refusal import UNSTORABLE, Check, Refusal, class_check, is_storable

_OF_STR: Final = ("string_type", "its column holds text, and gives back no member of an enum: pass its value")
_PADDED: Final = re.compile(r"N?CHAR(\(\d+\))?")


def text_check(kind: String, declared: str) -> Check:
    """Return the check of a text column. One of a fixed length needs exactly that length: it pads shorter text."""
    is_padded = _PADDED.fullmatch(declared) is not None
    length = kind.length or (1 if is_padded else None)
    shortest = length or 0 if is_padded else 0

    def check(value: object) -> Refusal | None:
        if type(value) is not str and (not isinstance(value, str) or isinstance(value, PythonEnum)):
            return _OF_STR
        if length is not None and len(value) > length:
            return ("string_too_long", f"its column holds at most {length} characters")
        if len(value) < shortest:
            return (
                "string_too_short",
                f"its column pads with spaces up to {length} characters: pad it, or make it a VARCHAR",
            )
        return None if is_storable(value) else UNSTORABLE

    return check


def enum_check(kind: Enum, _declared: str) -> Check:
    """Return the check of an enum column, of an enum's members or of texts."""
    refusal = ("enum", "it is no member of its column's enum")
    if kind.enum_class is None:
        names = frozenset(kind.enums)
        return lambda value: None if isinstance(value, str) and value in names else refusal
    members = frozenset(kind.enum_class.__members__.values())
    of_class = kind.enum_class
    return lambda value: None if isinstance(value, of_class) and value in members else refusal


def uuid_check(kind: Uuid[UUID] | Uuid[str], _declared: str) -> Check:
    """Return the check of a UUID column, as UUIDs or as text."""
    if kind.as_uuid:
        return class_check("UUIDs", "uuid_type", UUID)
    return _refuse_unusual_uuid


def bits_check(kind: BIT, _declared: str) -> Check:
    """Return the check of a bit string column, whose cast pads and truncates silently."""
    length, varying = kind.length, kind.varying

    def check(value: object) -> Refusal | None:
        if not isinstance(value, BitString):
            return ("bit_string_type", "its column holds a BitString")
        if length is not None and (len(value) > length or (len(value) < length and not varying)):
            return ("bit_string_length", f"its column holds {'at most' if varying else 'exactly'} {length} bits")
        return None

    return check


def mac_check(octets: int) -> Check:
    """Return the check of a MAC address column, which returns every address in one form."""
    form = re.compile(":".join(["[0-9a-f]{2}"] * octets))

    def check(value: object) -> Refusal | None:
        if isinstance(value, str) and form.fullmatch(value):
            return None
        return ("mac_address", f"its column holds {octets} octets in the form 08:00:2b:01:02:03, in lower case")

    return check


def refuse_unusual_address(value: object) -> Refusal | None:
    """Refuse what an INET column returns in another form: a single host as an interface, or a scoped address."""
    if isinstance(value, IPv4Interface | IPv6Interface):
        is_host = value.network.prefixlen == value.max_prefixlen
        usual = not is_host and not (isinstance(value, IPv6Interface) and value.scope_id)
        return None if usual else ("ip_any_interface", "its column gives a single host back as an address: pass its ip")
    usual = isinstance(value, IPv4Address) or (isinstance(value, IPv6Address) and not value.scope_id)
    return None if usual else ("ip_any_address", "its column holds IP addresses and interfaces, without a zone")


check_network: Check = class_check("IP networks", "ip_any_network", IPv4Network, IPv6Network)


def _refuse_unusual_uuid(value: object) -> Refusal | None:
    try:
        if isinstance(value, str) and str(UUID(value)) == value:
            return None
    except ValueError:
        pass
    return ("uuid_parsing", "its column gives back a UUID in lower case, with hyphens: write it so")
