"""Makes and forges tokens byte by byte, as no library would."""

import base64
import hashlib
import hmac
import json
import time

from harness import JWT_SECRET

NOW = int(time.time())


def b64(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header, payload, key=JWT_SECRET):
    """A token with any header and payload (dicts or bytes), signed by HMAC-SHA256 whatever the header says."""
    signed = f"{b64(header)}.{b64(payload)}"
    key = key if isinstance(key, bytes) else key.encode()
    return f"{signed}.{b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def claims(**changes):
    all_claims = {"sub": "anna", "tenant_id": "demo", "permissions": ["*"], "exp": int(time.time()) + 86400} | changes
    return {k: v for k, v in all_claims.items() if v is not None}


HS256 = {"alg": "HS256", "typ": "JWT"}
