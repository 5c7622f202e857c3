"""What goes wrong between mcp-odoo and Odoo: each ends in one sentence, writes are never repeated, and the next call works."""

import re

import jsonschema
import pytest

import harness
from harness import wait_until
from odoo_world import Odoo

SECONDS = 3 * harness.SLOW
READ = ("count_records", {"model": "product.product"})
WRITE = ("create_record", {"model": "res.partner", "values": {"name": "once only"}})
FORBIDDEN = r"127\.0\.0\.1|localhost|<html|<!DOCTYPE|proxy-7|Traceback|/opt|File \"|socket \""


@pytest.fixture(scope="module")
def shared(start_module):
    return Odoo(start_module, env={"CALL_TIMEOUT": f"{SECONDS}s"})


@pytest.fixture
def odoo(shared):
    shared.call(*READ)  # the login is known, so that a fault meets the request itself
    shared.upstream.forget()
    yield shared
    shared.upstream.forget()
    assert shared.call(*READ)["count"] == 12, "the next call works"


def failure(odoo, call):
    text = odoo.refusal(*call)
    assert text.endswith(".") and len(text) < 512, text
    assert not re.search(FORBIDDEN, text), text
    return text


WRONG = {
    "html": "web page",
    "half": "middle of its answer",
    "huge": "larger than",
    "redirect": "redirect",
    "reset": "broke off|closed",
    "garbage": "cannot be read as XML-RPC",
    "error_in_200": "RuntimeError",
    "nothing": "in time|did not finish|closed the connection",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_read_that_goes_wrong_says_so(odoo, kind):
    odoo.upstream.fault(kind, times=-1, path="object")
    assert re.search(WRONG[kind], failure(odoo, READ))


@pytest.mark.parametrize("kind", WRONG)
def test_a_write_that_goes_wrong_is_not_repeated(odoo, kind):
    odoo.upstream.fault(kind, times=-1, path="object")
    text = failure(odoo, WRITE)
    assert len(odoo.sent()) == 1
    if kind not in ("redirect", "error_in_200"):
        assert re.search("outcome is unknown|not known", text), text


@pytest.mark.parametrize("kind", ["half", "html", "garbage", "status"])
def test_a_write_whose_answer_is_lost_is_done_once(odoo, kind):
    before = odoo.call("count_records", {"model": "res.partner", "domain": [["name", "=", "once only"]]})["count"]
    odoo.upstream.forget()
    odoo.upstream.fault(kind, path="object", after=True, status=502 if kind == "status" else 0)
    assert "outcome is unknown" in failure(odoo, WRITE)
    assert odoo.call("count_records", {"model": "res.partner", "domain": [["name", "=", "once only"]]})["count"] == before + 1


@pytest.mark.parametrize("kind", sorted(set(WRONG) - {"error_in_200"}))
def test_a_login_that_goes_wrong_leaves_nothing_done(odoo, start, kind):
    other = Odoo(start, upstream=odoo.upstream, env={"CALL_TIMEOUT": f"{SECONDS}s", "ODOO_USERNAME": None, "ODOO_PASSWORD": None})
    odoo.upstream.fault(kind, times=-1, path="common")
    text = other.refusal(*WRITE, headers={"X-Odoo-Login": "demo@example.com", "X-Odoo-Api-Key": "demo-api-key"})
    assert not re.search(FORBIDDEN + "|demo-api-key|outcome is unknown", text), text
    assert odoo.sent() == []


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_for_reads_within_the_deadline(odoo, status):
    odoo.upstream.fault("status", times=1, path="object", status=status, headers={"Retry-After": "0"}, body="busy")
    assert odoo.call(*READ)["count"] == 12
    odoo.upstream.forget()
    odoo.upstream.fault("status", times=1, path="object", status=status, headers={"Retry-After": "0"}, body="busy")
    failure(odoo, WRITE)
    assert len(odoo.sent()) == 1


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_without_odoo_is_named(odoo, status):
    odoo.upstream.fault("html", times=1, path="object", status=status)
    text = failure(odoo, READ)
    assert "ODOO_URL" in text and str(status) in text


DOCTYPE = "<?xml version='1.0'?><!DOCTYPE m [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><methodResponse><params><param><value>&b;</value></param></params></methodResponse>"


@pytest.mark.parametrize(
    "body",
    [
        DOCTYPE,
        "<methodResponse><params><param><value><string>cut",
        "<a>" * 100_000,
        "<methodResponse><params><param><value><double>one</double></value></param></params></methodResponse>",
        "<methodResponse><params></params></methodResponse>",
        "<methodResponse><fault><value><struct><member><name>faultCode</name><value><string>warning</string></value></member><member><name>faultString</name><value>x</value></member></struct></value></fault></methodResponse>",
    ],
)
def test_xml_that_is_no_answer_is_refused(odoo, body):
    odoo.upstream.fault("error_in_200", path="object", body=body)
    assert "cannot be read as XML-RPC" in failure(odoo, READ)


def value(xml):
    return f"<methodResponse><params><param><value>{xml}</value></param></params></methodResponse>"


def fault(text, code=1):
    return f"<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value></member><member><name>faultString</name><value><string>{text}</string></value></member></struct></value></fault></methodResponse>"


ODD = ["<nil/>", "<boolean>1</boolean>", "<string>x</string>", "<array><data></data></array>", "<struct></struct>", "<int>-5</int>", "<array><data><value>x</value><value><nil/></value><value><array><data></data></array></value></data></array>"]
EVERY_TOOL = [
    ("search_records", {"model": "res.partner"}),
    ("search_records", {"model": "res.partner", "fields": ["name"]}),
    ("count_records", {"model": "res.partner"}),
    ("read_records", {"model": "res.partner", "ids": [1]}),
    ("group_records", {"model": "res.partner", "group_by": ["country_id"]}),
    ("describe_model", {"model": "res.partner"}),
    ("list_models", {}),
    ("create_record", {"model": "res.partner", "values": {"name": "x"}}),
    ("update_records", {"model": "res.partner", "ids": [1], "values": {"phone": "1"}}),
    ("delete_records", {"model": "res.partner", "ids": [987654]}),
    ("post_message", {"model": "res.partner", "id": 1, "body": "x"}),
    ("call_method", {"model": "sale.order", "method": "action_confirm", "ids": [987654]}),
]


@pytest.mark.parametrize("tool, arguments", EVERY_TOOL, ids=[t for t, _ in EVERY_TOOL])
def test_an_answer_of_another_shape_ends_the_call_and_not_the_process(odoo, tool, arguments):
    for answers in ODD:
        for skipped in (0, 1):
            odoo.upstream.forget()
            if skipped:
                odoo.upstream.fault("slow", seconds=0.001, path="object")  # the first question is answered truly
            odoo.upstream.fault("error_in_200", path="object", times=-1, body=value(answers))
            result = odoo.ask(tool, arguments)
            assert result["content"][0]["text"]
            if not result.get("isError"):
                jsonschema.validate(result["structuredContent"], odoo.tools[tool]["outputSchema"])


@pytest.mark.parametrize("tool, arguments", EVERY_TOOL, ids=[t for t, _ in EVERY_TOOL])
def test_a_traceback_is_never_shown(odoo, tool, arguments):
    text = 'Traceback (most recent call last):\n  File "/opt/odoo/server.py", line 1, in x\n    call("SECRET")\nOSError: [Errno 2] /opt/odoo/SECRET\n'
    odoo.upstream.fault("error_in_200", path="object", times=-1, body=fault(text))
    shown = failure(odoo, (tool, arguments))
    assert "OSError" in shown and "SECRET" not in shown


NOT_ROWS = [t for t in EVERY_TOOL if t[0] in ("search_records", "read_records", "group_records", "list_models")]


@pytest.mark.parametrize("call", NOT_ROWS, ids=[t for t, _ in NOT_ROWS])
def test_an_answer_that_is_no_list_is_not_an_empty_list(odoo, call):
    odoo.upstream.fault("error_in_200", path="object", times=-1, body=value("<boolean>1</boolean>"))
    assert "not what that method returns" in failure(odoo, call)


@pytest.mark.parametrize("said", ["TypeError: cannot marshal &lt;class 'odoo.api.sale.order'&gt; objects", "TypeError: dictionary key must be string", "OverflowError: int exceeds XML-RPC limits"])
def test_a_write_whose_result_cannot_be_sent_is_done(odoo, said):
    """Odoo has committed by then; "nothing was changed" would make an agent do it twice."""
    id = odoo.rpc("res.partner", "create", [{"name": "to archive"}])
    odoo.upstream.forget()
    odoo.upstream.fault("error_in_200", path="object", after=True, body=fault(f"Traceback (most recent call last):\n  File \"x\"\n{said}\n"))
    assert odoo.call("call_method", {"model": "res.partner", "method": "toggle_active", "ids": [id]})["result"] is None
    assert len(odoo.sent()) == 1 and odoo.rpc("res.partner", "read", [[id]], {"fields": ["active"]})[0]["active"] is False


def test_only_ids_that_were_asked_for_are_deleted(odoo):
    odoo.upstream.fault("error_in_200", path="object", body=value("<array><data><value><int>1</int></value><value><int>987654</int></value></data></array>"))
    odoo.refusal("delete_records", {"model": "res.partner", "ids": [987654]})
    assert odoo.executed()[-1][:3] == ("res.partner", "unlink", [[987654]])


def test_a_long_help_text_is_cut_between_characters(odoo):
    about = "".join(f"<member><name>{n}</name><value><string>{v}</string></value></member>" for n, v in (("type", "char"), ("string", "F"), ("help", "x" + "é" * 200)))
    odoo.upstream.fault("error_in_200", path="object", body=value(f"<struct><member><name>f</name><value><struct>{about}</struct></value></member></struct>"))
    text = odoo.text("describe_model", {"model": "res.partner", "fields": ["f"]})
    assert text.endswith("é") and "\ufffd" not in text


def test_an_odoo_that_is_away_is_said_and_found_again(start):
    upstream = start.standin("odoo")
    odoo = Odoo(start, upstream=upstream)
    odoo.call(*READ)
    wait_until(lambda: odoo.connector.http.get("/ready").status_code == 200, "ready")
    port = upstream.url.rpartition(":")[2]
    upstream.stop()
    start.started.remove(upstream)
    assert "cannot be reached" in odoo.refusal(*READ)
    assert "Nothing was changed" in odoo.refusal(*WRITE)
    again = start.standin("odoo", "--listen", f"127.0.0.1:{port}")
    assert again.url == upstream.url
    assert odoo.call(*READ)["count"] == 12


def test_a_certificate_nobody_knows_is_not_trusted(start):
    upstream = start.standin("odoo", "--tls")
    odoo = Odoo(start, upstream=upstream)
    assert "certificate" in odoo.refusal(*READ)


def test_the_database_that_is_not_there_is_named_by_its_variable(start, shared):
    odoo = Odoo(start, upstream=shared.upstream, env={"ODOO_DB": "no_such_db"})
    text = odoo.refusal(*READ)
    assert "ODOO_DB" in text and not re.search(FORBIDDEN, text)
