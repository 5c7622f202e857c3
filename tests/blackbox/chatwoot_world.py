"""mcp-chatwoot behind a gateway, on the stand-in of Chatwoot, whose demo data is `demo`."""

import sys

import harness

sys.path.insert(0, str(harness.ROOT / "tests/upstreams"))

import chatwoot as demo  # noqa: E402

__all__ = ["connector_of", "demo", "requests_of_calls"]


def connector_of(start, upstream, env=None, **options):
    """One with the service account of the demo data."""
    values = {"CHATWOOT_URL": upstream, "CHATWOOT_API_KEY": demo.ADMIN, "TENANTS": "demo"}
    return start.connector("chatwoot", env=values | (env or {}), **options)


def requests_of_calls(upstream, **wanted):
    """What the stand-in was asked but for the readiness check, which goes on beside the calls: with the service account, or
    with nobody's where there is none."""
    return [r for r in upstream.requests(**wanted) if not is_probe(r)]


def is_probe(request):
    token = request["headers"].get("api_access_token") or request["headers"].get("api-access-token")
    return request["path"] == "/api" or (request["path"] == "/api/v1/profile" and token in (None, demo.ADMIN))
