"""odoo://models and odoo://model/{model}/fields: what list_models and describe_model say, by an address, with the account of who
reads; alone and through the gateway."""

import json

import httpx
import pytest

from direct import Door, Through
from lab import ERAS
from odoo_world import Odoo, credentials


@pytest.fixture(scope="module")
def shared(start_module):
    odoo = Odoo(start_module)
    socket = str(odoo.connector.socket)
    alone = Door("odoo", lambda: httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://localhost", timeout=30))
    odoo.doors = {"alone": alone, "gateway": Through(odoo.gateway)}
    return odoo


@pytest.fixture(params=["alone", "gateway"])
def odoo(request, shared):
    shared.upstream.forget()
    shared.door = shared.doors[request.param]
    return shared


def read(odoo, uri, era="modern", **options):
    (contents,) = odoo.door.result("resources/read", {"uri": uri}, era, **options)["contents"]
    assert contents["uri"] == uri and contents["mimeType"] == "application/json"
    return json.loads(contents["text"])


def refusal(odoo, uri, era="modern", **options):
    return odoo.door.error("resources/read", {"uri": uri}, era, **options)[1]


@pytest.mark.parametrize("era", ERAS)
def test_the_models_are_those_of_the_tool(odoo, era):
    listed = odoo.call("list_models", {"limit": 500})
    found = read(odoo, "odoo://models", era)

    assert found == {"models": listed["models"], "count": listed["count"], "has_more": False}


@pytest.mark.parametrize("era", ERAS)
def test_the_fields_are_those_of_the_tool(odoo, era):
    described = odoo.call("describe_model", {"model": "sale.order", "limit": 500})
    found = read(odoo, "odoo://model/sale.order/fields", era)

    assert found == {"model": "sale.order", "fields": described["fields"], "count": described["count"]}


def test_what_is_read_is_kept_by_nobody(odoo):
    result = odoo.door.result("resources/read", {"uri": "odoo://models"})
    assert (result["ttlMs"], result["cacheScope"]) == (0, "private")


@pytest.mark.parametrize("uri", ["odoo://model/no.such.model/fields", "odoo://model/NoModel%20at%20all/fields"])
@pytest.mark.parametrize("era", ERAS)
def test_a_model_that_is_not_there_or_cannot_be_is_not_found(odoo, era, uri):
    # MCP 2025-11-25 and 2026-07-28 server/resources "Error Handling": each era has its own code.
    error = refusal(odoo, uri, era)

    assert error["code"] == (-32602 if era == "modern" else -32002)
    assert error["data"]["uri"] == uri
    assert "no.such.model" in error["message"] or "no technical name" in error["message"]


def test_a_model_that_cannot_be_is_not_asked_of_odoo(odoo):
    odoo.upstream.forget_requests()
    refusal(odoo, "odoo://model/NoModel%20at%20all/fields")
    assert odoo.executed() == []


@pytest.mark.parametrize("era", ERAS)
def test_trouble_with_a_model_that_is_there_is_no_missing_resource(odoo, era):
    odoo.upstream.fault("status", status=500)
    assert refusal(odoo, "odoo://model/res.partner/fields", era)["code"] == -32603


def test_the_users_own_account_reads(odoo):
    read(odoo, "odoo://models", headers=credentials("admin", "admin"))
    assert {(p[1], p[2]) for p in odoo.sent()} == {(2, "admin")}


def test_a_wrong_key_of_the_users_own_is_said_and_nowhere_repeated(odoo):
    own = credentials("ana@example.com", "wrong key")
    assert "Odoo refused the login" in refusal(odoo, "odoo://models", headers=own)["message"]
    assert "wrong key" not in odoo.connector.text()


def test_a_caller_of_another_tenant_needs_an_account_of_their_own(odoo):
    error = refusal(odoo, "odoo://models", tenant="acme")
    assert "account" in error["message"]
    assert odoo.executed() == []


def complete(odoo, typed):
    ref = {"type": "ref/resource", "uri": "odoo://model/{model}/fields"}
    return odoo.door.result("completion/complete", {"ref": ref, "argument": {"name": "model", "value": typed}})["completion"]


def test_model_names_are_suggested(odoo):
    names = complete(odoo, "sale.or")["values"]
    assert "sale.order" in names and all("sale.or" in n for n in names)
    assert complete(odoo, "nothing like that") == {"values": [], "total": 0, "hasMore": False}
    assert "res.partner" in complete(odoo, "")["values"]
