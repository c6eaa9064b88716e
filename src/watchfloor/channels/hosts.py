"""The hosts that a channel's settings name, held against whom it may contact."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.reach import Reach

#: So long a launch waits for the system to look a host up.
LOOK_UP_S: Final = 3.0

#: Host, as the client connects to it, and port, by setting.
Hosts = Mapping[str, tuple[str, int]]


class RefusedAddressError(OSError):
    """Nothing may be sent there, and nothing was; ``why`` is for an operator."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def outcome_of_refused_address(error: RefusedAddressError) -> Outcome:
    """Return what an address means that may not be contacted: the run is at fault."""
    return Outcome(
        outcome_class=OutcomeClass.TRANSIENT,
        code="address_refused",
        detail=error.why,
        run_fault=error.why,
        is_unsent=True,
    )


def check_hosts(hosts: Hosts, reach: Reach) -> None:
    """Refuse settings that name a host which may not be contacted.

    Args:
        hosts: What they name.
        reach: What is allowed.

    Raises:
        ConfigError: With every such setting.
    """
    refusals = {
        setting: reach.refusal_of_host(host, port)
        for setting, (host, port) in hosts.items()
    }
    mistakes = [f"{setting}: {why}" for setting, why in refusals.items() if why]
    if mistakes:
        raise ConfigError(*mistakes)


def check_addresses(hosts: Hosts, reach: Reach) -> None:
    """Refuse settings of which a host leads nowhere that may be contacted; it blocks.

    A name that leads nowhere now, or cannot be looked up in time, is no mistake: every
    connection asks again.

    Args:
        hosts: What they name.
        reach: What is allowed.

    Raises:
        ConfigError: With every such setting.
    """
    check_hosts(hosts, reach)
    mistakes = []
    for setting, (host, port) in hosts.items():
        refusals = [
            refusal_of_text(reach, host, address, port)
            for address in _addresses(host, port)
        ]
        if refusals and all(refusals):
            mistakes.append(f"{setting}: {refusals[0]}")
    if mistakes:
        raise ConfigError(*mistakes)


def _addresses(host: str, port: int) -> list[str]:
    """Return what a host leads to; nothing where that is not known in time."""
    found: list[str] = []

    def looked_up() -> None:
        with suppress(OSError, UnicodeError):
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(info[4][0]) for info in infos)

    # On a thread of its own: the system's look-up knows no time-out.
    thread = threading.Thread(target=looked_up, name="look-up", daemon=True)
    thread.start()
    thread.join(LOOK_UP_S)
    return list(found)


def refusal_of_text(reach: Reach, host: str, address: str, port: int) -> str:
    """Return why an address as a resolver writes it may not be contacted.

    A zone behind ``%`` is looked past: the address is one of the local link anyhow.
    """
    return reach.refusal_of_address(host, ip_address(address.partition("%")[0]), port)
