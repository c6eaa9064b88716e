"""Whom webhooks may contact: hosts by name, and addresses that are not public.

A name alone opens nothing: whatever it leads to, an address that is not public is
contacted only where it is listed itself. So nobody's name server can turn a request
to this machine, its neighbours, or the place where a cloud keeps its credentials.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_PORT: Final = 65_535
_WHERE: Final = "[webhooks] of watchfloor.toml"

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: A last label by which resolvers take the whole for a number: 127.1, 0x7f000001.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST_PORT = re.compile(
    r"\[([^\[\]]+)\](?::([0-9]{1,5}))?|([^:\[\]]*)(?::([0-9]{1,5}))?"
)
_THIS_MACHINE: Final = (ip_address("127.0.0.1"), ip_address("::1"))

#: RFC 6052: an IPv4 address behind a translator, judged as that address.
_TRANSLATED = IPv6Network("64:ff9b::/96")
#: What the registries give to the public. Of IPv4 it is the rest of the table below.
_PUBLIC_IPV6 = IPv6Network("2000::/3")

#: IANA's special-purpose registries, in an operator's words; the first that fits.
_SPECIAL: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's inner network"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "the local link, where clouds keep credentials"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a reserved range"),
        ("192.0.2.0/24", "a range for examples"),
        ("192.88.99.0/24", "a tunnel (6to4)"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "a range for measurements"),
        ("198.51.100.0/24", "a range for examples"),
        ("203.0.113.0/24", "a range for examples"),
        ("224.0.0.0/4", "many machines at once (multicast)"),
        ("240.0.0.0/4", "a reserved range"),
        ("::/128", "this machine"),
        ("::1/128", "this machine"),
        ("::ffff:0:0/96", "an IPv4 address within IPv6"),
        ("::/96", "an IPv4 address within IPv6"),
        ("64:ff9b:1::/48", "a translator's inner network"),
        ("2001::/23", "a tunnel or a reserved range"),
        ("2001:db8::/32", "a range for examples"),
        ("2002::/16", "a tunnel (6to4)"),
        ("3fff::/20", "a range for examples"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "the local link"),
        ("ff00::/8", "many machines at once (multicast)"),
    )
)


@dataclass(frozen=True, slots=True)
class HostPattern:
    """Hosts by name.

    Attributes:
        name: In lower case; of a wild one what follows ``*.``.
        is_wild: Whether every host below *name* is meant, and not itself.
        port: The only one that is meant; None for any.
    """

    name: str
    is_wild: bool = False
    port: int | None = None

    def fits(self, host: str, port: int) -> bool:
        """Whether a host, in lower case and without a dot behind, is one of them."""
        if self.port is not None and port != self.port:
            return False
        return host.endswith(f".{self.name}") if self.is_wild else host == self.name


@dataclass(frozen=True, slots=True)
class InternalRange:
    """Addresses that may be contacted although they are not public.

    Attributes:
        port: The only one that is meant; None for any.
    """

    network: Network
    port: int | None = None

    def fits(self, address: Address, port: int) -> bool:
        """Whether an address is one of them."""
        return self.port in {None, port} and address in self.network


def host_pattern(text: str) -> HostPattern:
    """Return the hosts that ``calls.example.org:443`` or ``*.example.org`` means.

    Raises:
        ValueError: It is neither; the text of the error goes on after the value.
    """
    host, port = _split(text.lower())
    name = host.removeprefix("*.").removesuffix(".")
    if not (_NAME.fullmatch(name) or _is_address(name)):
        raise ValueError(
            "is no host: write calls.example.org, *.example.org, or :443 "
            "behind it; letters beyond a-z as xn--..."
        )
    return HostPattern(name, is_wild=host.startswith("*."), port=port)


def internal_range(text: str) -> InternalRange:
    """Return the addresses that ``10.1.0.0/16`` or ``127.0.0.1:8080`` means.

    Raises:
        ValueError: It is neither; the text of the error goes on after the value.
    """
    try:
        if "/" in text:
            return InternalRange(ip_network(text))
        host, port = _split(text)
        return InternalRange(ip_network(host), port)
    except ValueError as error:
        told = "is no address or range: write 127.0.0.1, 127.0.0.1:8080 or 10.1.0.0/16"
        if "host bits" in str(error):
            told = f"is no range: what stands behind its /{text.partition('/')[2]} "
            told += "must be 0"
        raise ValueError(told) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom webhooks may contact.

    Attributes:
        hosts: The only ones that may be; None for any.
        internal: What may be although it is not public.
    """

    hosts: tuple[HostPattern, ...] | None = None
    internal: tuple[InternalRange, ...] = ()

    def of_any_host(self) -> Reach:
        """Return this without its list of names: any host, and no more inner ones."""
        return replace(self, hosts=None)

    def refusal_of_host(self, host: str, port: int) -> str:
        """Return why a URL's host may not be contacted, as far as its text tells.

        Args:
            host: As the client connects to it: no brackets, in ASCII.
            port: Of the URL.
        """
        name = host.lower().rstrip(".")
        address = _address(name)
        if address is None and (
            not _NAME.fullmatch(name) or _NUMBER.fullmatch(name.rpartition(".")[2])
        ):
            return (
                f"{host} is no host's name and no address as addresses are written; "
                "write a name, four numbers like 192.0.2.1, or [2001:db8::1]"
            )
        if address is not None:
            inner = self._is_internal(address, port)
            return (
                ""
                if inner
                else (
                    self._refusal_of_name(name, port)
                    or self.refusal_of_address(host, address, port)
                )
            )
        refusal = self._refusal_of_name(name, port)
        is_here = name == "localhost" or name.endswith(".localhost")  # RFC 6761
        if (
            not refusal
            and is_here
            and not any(self._is_internal(one, port) for one in _THIS_MACHINE)
        ):
            return self.refusal_of_address(host, _THIS_MACHINE[0], port)
        return refusal

    def refusal_of_address(self, host: str, address: Address, port: int) -> str:
        """Return why an address that a host has may not be contacted, or nothing."""
        what = _special(address)
        if not what or self._is_internal(address, port):
            return ""
        wanted = f"{address}"
        if any(address in one.network for one in self.internal):
            # Whoever listed another port of it did not mean all of them.
            is_four = isinstance(address, IPv4Address)
            wanted = f"{address}:{port}" if is_four else f"[{address}]:{port}"
        subject = (
            f"{host} is" if host == str(address) else f"{host} leads to {address},"
        )
        return (
            f"{subject} an address of {what}, and those are not contacted unless they "
            f'are listed; if it is meant, add internal = ["{wanted}"] to {_WHERE}'
        )

    def _refusal_of_name(self, name: str, port: int) -> str:
        if self.hosts is None or any(one.fits(name, port) for one in self.hosts):
            return ""
        return (
            f"{name}:{port} is not among the hosts that webhooks may contact; if it is "
            f"meant, add it to hosts in {_WHERE}"
        )

    def _is_internal(self, address: Address, port: int) -> bool:
        return any(one.fits(address, port) for one in self.internal)


@lru_cache(maxsize=1_024)
def _special(address: Address) -> str:
    """Return what an address that is not public belongs to; empty for a public one."""
    if address in _TRANSLATED:
        address = IPv4Address(int(address) & 0xFFFF_FFFF)
    for network, what in _SPECIAL:
        if address in network:
            return what
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return "a reserved range"
    return ""


def _address(host: str) -> Address | None:
    """Return the address that a host is, as addresses are written; None for a name."""
    try:
        # A zone says by which of its links this machine goes: never a public way.
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    return _address(host) is not None


def _split(text: str) -> tuple[str, int | None]:
    """Return host and port of ``host``, ``host:port``, ``::1`` or ``[::1]:port``."""
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        return text, None
    host, port = found[1] or found[3], found[2] or found[4]
    if port is None:
        return host, None
    if not 1 <= int(port) <= MOST_PORT:
        raise ValueError("has no port from 1 to 65535 behind its colon")
    return host, int(port)
