"""The recorded exchanges of a real Odoo 17 (tests/unit/data/odoo-17): the stand-in answers as it did, and mcp-odoo asks as was asked."""

import re
import sys
import types
import xmlrpc.client

import pytest

import harness
from odoo_world import ANA, Odoo, exchange, index, recorded

sys.path.insert(0, str(harness.ROOT / "tests/upstreams"))

import odoo as demo  # noqa: E402
from standin import Request  # noqa: E402

# What is asked of things the stand-in does not have: models, records by the ids of that database, API keys by their digits.
ELSEWHERE = {
    "22-write", "24-unlink", "43-fault-record-rule", "56-fault-usererror-unlink-user-partner", "61-none-result", "62-none-result-2",
    "63-fault-integrity-fk", "64-fault-unique", "auth-01-authenticate-apikey-as-password", "auth-02-execute-apikey", "auth-03-totp-user-password-false",
    "auth-04-totp-user-apikey-ok", "auth-05-totp-execute-password-fault", "auth-07-none-result-fault", "auth-08-none-result-fault-with-write", "auth-09-message_post-record-result",
    "auth-10-toggle_active", "auth-11-was-it-archived", "auth-13-search_read-600-large", "sale-06-action_confirm", "sale-07-read-order",
    "sale-08-fault-unlink-confirmed", "sale-09-account-move", "sale-10-none-result-flush_model", "85-db-server_version", "84-db-list",
}
# What is another protocol's: version 1, and a DOCTYPE or an encoding in a request of ours, which we never write.
NOT_OURS = {"80-v1-version", "81-v1-fault-bad-model", "82-v1-fault-usererror", "83-v1-fault-wrong-password", "78-latin1-declared", "79-doctype-entity"}


def standin(db):
    return demo.Odoo(types.SimpleNamespace(db=db))


def path_of(name):
    services = {"common": ("version", "authenticate", "no_such_method")}
    request, _ = exchange("odoo-17", name)
    found = re.search(rb"<methodName>(\w+)</methodName>", request)
    method = found.group(1).decode() if found else ""
    return "nosuch" if "unknown-service" in name else "common" if method in services["common"] or not method else "object"


def read(xml):
    """A value, or a Fault."""
    try:
        return xmlrpc.client.loads(xml, use_builtin_types=True)[0][0]
    except xmlrpc.client.Fault as fault:
        return fault


def same_shape(ours, theirs, where=""):
    """Members that both have are of one kind; False stands for every empty value, and lists may have other lengths."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        for key in theirs.keys() & ours.keys():
            same_shape(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) or ours is False, where
        for a, b in zip(ours or [], theirs):
            same_shape(a, b, f"{where}[]")
    elif theirs is not False and ours is not False:
        assert type(ours) is type(theirs), f"{where}: {ours!r} and {theirs!r}"


REPLAYED = [n for n in index("odoo-17") if n not in ELSEWHERE | NOT_OURS and not n.startswith(("70-", "71-", "73-", "74-"))]


@pytest.mark.parametrize("name", REPLAYED)
def test_the_stand_in_answers_as_odoo_did(name):
    request, response = exchange("odoo-17", name)
    there = standin("sale17" if name.startswith("sale-") else "fix17")
    if "21-read" in name:
        there.database.models["res.partner"].last_id = 40
        there.rpc(Request("POST", "/xmlrpc/2/object", {}, {}, {}, exchange("odoo-17", "20-create")[0]), "object")
    answer = there.rpc(Request("POST", "/xmlrpc/2/", {}, {}, {}, request), path_of(name))
    ours, theirs = read(answer.data()), read(response)
    assert answer.status == 200
    if isinstance(theirs, xmlrpc.client.Fault):
        assert isinstance(ours, xmlrpc.client.Fault) and ours.faultCode == theirs.faultCode, ours
        assert ("Traceback" in ours.faultString) == ("Traceback" in theirs.faultString)
        assert last_words(ours) == last_words(theirs)
        return
    assert not isinstance(ours, xmlrpc.client.Fault), ours.faultString
    same_shape(ours, theirs)


def last_words(fault):
    """The last line without what is of that installation: class paths, positions, what the method is called inside."""
    line = fault.faultString.strip().splitlines()[-1]
    line = re.sub(r"(BaseModel\.\w+|Model\.\w+|\w+\.execute_kw|execute_kw)\(\)", "METHOD()", line)
    line = re.sub(r"^(odoo\.exceptions\.)?", "", line)
    return re.sub(r"missing \d required positional arguments?: .*", "missing", line)


def test_the_stand_in_knows_a_none_result_as_odoo_does():
    there = standin("fix17")
    _, response = exchange("odoo-17", "auth-10-toggle_active")
    body = xmlrpc.client.dumps(("fix17", 2, "admin", "res.partner", "toggle_active", [[ANA]]), "execute_kw").encode()
    ours, theirs = read(there.rpc(Request("POST", "/xmlrpc/2/object", {}, {}, {}, body), "object").data()), read(response)
    assert ours.faultCode == theirs.faultCode == 1 and last_words(ours) == last_words(theirs)
    assert there.database.models["res.partner"].records[ANA]["active"] is False, "done all the same"


def test_a_fault_of_the_stand_in_undoes_what_was_done():
    there = standin("fix17")
    body = xmlrpc.client.dumps(("fix17", 2, "admin", "res.partner", "create", [[{"name": "a"}, {"name": "b", "type": "no-such"}]]), "execute_kw").encode()
    before = there.database.snapshot()
    assert read(there.rpc(Request("POST", "/xmlrpc/2/object", {}, {}, {}, body), "object").data()).faultCode == 1
    assert there.database.snapshot() == before


# What we ask


@pytest.fixture(scope="module")
def odoo(start_module):
    return Odoo(start_module, env={"ODOO_ALLOWED_METHODS": "sale.order:action_confirm"})


# tool, arguments, the exchange in which a client asked for the same
SAME = [
    ("search_records", {"model": "res.partner", "domain": [["is_company", "=", True]], "fields": ["name", "email", "country_id", "child_ids", "create_date", "partner_latitude", "active", "vat"], "limit": 2, "order": "id"}, "10-search_read-partner"),
    ("search_records", {"model": "sale.order", "domain": [["state", "in", ["sale", "draft"]]], "fields": ["name", "partner_id", "date_order", "amount_total", "currency_id", "state", "order_line", "invoice_status"], "limit": 2, "order": "id"}, "sale-02-search_read-order"),
    ("count_records", {"model": "res.partner", "domain": [["is_company", "=", True]]}, "13-search_count"),
    ("count_records", {"model": "res.partner"}, "32-execute_kw-no-kwargs"),
    ("count_records", {"model": "res.partner", "domain": [["parent_id", "=", None]]}, "76-nil-in-request"),
    ("read_records", {"model": "res.partner", "ids": [1], "fields": ["name", "image_128", "comment", "category_id", "write_date"], "with_binary": True}, "15-read"),
    ("read_records", {"model": "res.partner", "ids": [99999999], "fields": ["name"]}, "52-fault-missing-record-read"),
    ("describe_model", {"model": "res.partner", "fields": ["name", "country_id", "type", "active", "child_ids", "write_date", "partner_latitude"]}, "16-fields_get"),
    ("group_records", {"model": "crm.lead", "group_by": ["create_date:month", "stage_id"], "aggregates": ["expected_revenue:sum"]}, "27-read_group-lead-month"),
    ("create_record", {"model": "res.partner", "values": {"name": "Café “Ünï” <&> 日本語 😀", "email": "cafe@example.com", "comment": "l1\nl2\ttab"}}, "20-create"),
    ("update_records", {"model": "res.partner", "ids": [41], "values": {"phone": "+46 70 123"}, "clear_fields": ["country_id"]}, "22-write"),
    ("update_records", {"model": "res.partner", "ids": [1], "values": {"category_id": [[6, 0, []]]}}, "31-write-o2m-commands"),
    ("create_record", {"model": "sale.order", "values": {"partner_id": 10, "order_line": [[0, 0, {"product_id": 5, "product_uom_qty": 2}]]}}, "sale-05-create-order"),
    ("call_method", {"model": "sale.order", "method": "action_confirm", "ids": [21]}, "sale-06-action_confirm"),
    ("post_message", {"model": "res.partner", "id": 45, "body": "hello"}, "auth-09-message_post-record-result"),
]
PAGED = {"limit"}  # ours has a page where the recorded call had none


def plain(value):
    """As values mean it: 2 is 2.0, a set of fields has no order."""
    if isinstance(value, dict):
        return {k: sorted(v) if k in ("fields", "attributes") else plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("tool, arguments, name", SAME, ids=[f"{t}-{n}" for t, _, n in SAME])
def test_mcp_odoo_asks_what_was_recorded(odoo, tool, arguments, name):
    odoo.upstream.forget()
    odoo.ask(tool, arguments)
    theirs = recorded("odoo-17", name)
    ours = [e for e in odoo.executed() if e[1] == theirs[1]][-1]
    kwargs = {k: v for k, v in ours[3].items() if k in theirs[3] or k not in PAGED}
    assert plain((*ours[:3], kwargs)) == plain(theirs)


def test_deleting_asks_what_was_recorded(odoo):
    ids = odoo.rpc("res.partner", "create", [[{"name": "a"}, {"name": "b"}, {"name": "c"}]])
    odoo.upstream.forget()
    odoo.call("delete_records", {"model": "res.partner", "ids": ids})
    model, method, args, kwargs = recorded("odoo-17", "24-unlink")
    assert odoo.executed()[-1] == (model, method, [ids], kwargs) and len(args[0]) == 3


def test_logging_in_asks_what_was_recorded(start, odoo):
    fresh = Odoo(start, upstream=odoo.upstream, env={"ODOO_USERNAME": "admin", "ODOO_PASSWORD": "admin"}, name="fresh")
    fresh.upstream.forget()
    fresh.refusal("count_records", {"model": "res.partner"}, headers={"X-Odoo-Login": "admin", "X-Odoo-Api-Key": "nope"})
    params, _ = xmlrpc.client.loads(exchange("odoo-17", "03-authenticate-wrong-password-false")[0])
    (ours,) = [p for p in fresh.sent("authenticate") if p[2] == "nope"]
    assert ours[1:] == params[1:]
