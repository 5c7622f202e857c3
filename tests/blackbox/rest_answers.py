"""What holds for every answer of the REST routes."""

from datetime import datetime, timezone

from harness import bearer, events

KEYS = {"type", "stage", "progress", "message", "data", "timestamp"}
STAGES = {"starting", "processing", "analyzing", "comparing", "done", "error"}


def get(gateway, path, auth=None, **params):
    return gateway.http.get(path, params=params or None, headers=bearer() if auth is None else auth)


def stream(gateway, name, query=""):
    return get(gateway, f"/v1/tools/{name}/stream{query}")


def error_of(answer, status, *words):
    """The error of a refusal, which has the one shape all of them have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert isinstance(error["code"], str) and error["code"]
    assert error["request_id"] == answer.headers["x-request-id"]
    for word in words:
        assert word in error["message"], error
    return error


def is_now(timestamp):
    return abs((datetime.now(timezone.utc) - datetime.fromisoformat(timestamp)).total_seconds()) < 60


def checked(answer):
    """The events of a stream, after what holds for every stream."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    for event in found:
        assert set(event) == KEYS
        assert event["type"] in ("progress", "result", "error", "done") and event["stage"] in STAGES
        assert event["progress"] is None or 0 <= event["progress"] <= 1
        assert isinstance(event["message"], str) and isinstance(event["data"], dict)
        assert is_now(event["timestamp"])
    assert [e["type"] in ("done", "error") for e in found] == [False] * (len(found) - 1) + [True]
    assert found[-1]["stage"] == found[-1]["type"]
    return found
