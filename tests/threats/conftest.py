"""What the tests of threats share: a workspace, and a provider on the loopback."""

from tests.support.floors import floor, provider, unused_workspace

__all__ = ["floor", "provider", "unused_workspace"]
