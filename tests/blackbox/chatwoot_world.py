"""mcp-chatwoot behind a gateway, on the stand-in of Chatwoot, whose demo data is `demo`."""

import sys

import harness

sys.path.insert(0, str(harness.ROOT / "tests/upstreams"))

import chatwoot as demo  # noqa: E402

__all__ = ["connector_of", "demo"]


def connector_of(start, upstream, env=None, **options):
    """One with the service account of the demo data."""
    values = {"CHATWOOT_URL": upstream, "CHATWOOT_API_KEY": demo.ADMIN, "TENANTS": "demo"}
    return start.connector("chatwoot", env=values | (env or {}), **options)
