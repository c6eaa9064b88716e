"""Certificates made in the moment of a test: no key lies in the repository."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Final, NamedTuple

import trustme

HOST: Final = "127.0.0.1"


class Certificates(NamedTuple):
    """One authority's certificates for a server on the loopback.

    Attributes:
        authority: Whoever trusts it takes ``good`` and none of the others.
        good: For ``HOST``.
        wrong_host: For another host.
        expired: For ``HOST``, until yesterday's year.
        strange: For ``HOST``, by an authority that nobody knows.
    """

    authority: trustme.CA
    good: trustme.LeafCert
    wrong_host: trustme.LeafCert
    expired: trustme.LeafCert
    strange: trustme.LeafCert

    def trusting(self) -> ssl.SSLContext:
        """Return a client's context that trusts the authority, and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


def new_certificates() -> Certificates:
    """Make one of each."""
    authority = trustme.CA()
    return Certificates(
        authority,
        authority.issue_cert(HOST),
        authority.issue_cert("elsewhere.example.org"),
        authority.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC)),
        trustme.CA().issue_cert(HOST),
    )


def showing(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
