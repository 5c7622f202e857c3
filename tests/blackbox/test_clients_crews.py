"""The crews of docs/examples that work across systems, on the demo stand-ins, with the scripted model."""

import json
import pathlib
import sys
import xmlrpc.client

import pytest

from harness import SLOW, token

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "clients"))
import clients  # noqa: E402

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def systems(start_module):
    return {name: start_module.standin(name) for name in ("odoo", "qdrant", "chatwoot")}


@pytest.fixture(scope="module")
def gateway(start_module, systems):
    odoo = start_module.connector(
        "odoo",
        env={
            "ODOO_URL": systems["odoo"],
            "ODOO_DB": "demo",
            "ODOO_USERNAME": "demo@example.com",
            "ODOO_PASSWORD": "demo",
            "ODOO_ALLOWED_METHODS": "sale.order:action_confirm",
        },
    )
    qdrant = start_module.connector(
        "qdrant",
        env={
            "QDRANT_URL": systems["qdrant"],
            "QDRANT_API_KEY": "demo-qdrant-key",
            "EMBEDDINGS_URL": f"{systems['qdrant'].url}/v1",
            "EMBEDDINGS_API_KEY": "demo-embeddings-key",
            "EMBEDDINGS_MODEL": "demo",
        },
    )
    key = "chatwoot-demo-admin-token-5f3a"
    chatwoot = start_module.connector("chatwoot", env={"CHATWOOT_URL": systems["chatwoot"], "CHATWOOT_API_KEY": key})
    return start_module.stack_with(odoo, qdrant, chatwoot)


def crew_of(gateway, name):
    report = clients.run_crew(gateway.url, token(), name, patience=60 * SLOW)
    crew = report.one("crew")
    assert not report.hung and "error" not in crew, crew
    return crew


def test_a_crew_finds_a_product_by_meaning_and_quotes_it_from_odoo(gateway):
    crew = crew_of(gateway, "product-search")

    assert [call["name"] for call in crew["calls"]] == ["qdrant_search_text", "odoo_search_records"]
    assert "Wireless Headphones Pro" in crew["calls"][0]["result"]
    assert crew["text"] == "Wireless Headphones Pro costs 199.0.", crew


def test_a_crew_confirms_an_order_and_tells_the_customer(gateway, systems):
    before = len(systems["chatwoot"].requests(method="POST"))

    crew = crew_of(gateway, "order-creation")

    names = [call["name"] for call in crew["calls"]]
    assert names == [
        *("odoo_search_records", "odoo_search_records", "odoo_create_record", "odoo_call_method", "odoo_read_records"),
        *("chatwoot_search_contacts", "chatwoot_list_conversations", "chatwoot_send_message"),
    ]
    confirmed = crew["calls"][4]["result"]
    assert "state: sale" in confirmed
    assert "457.7" in confirmed  # 2 x 199.00 and 15 % tax
    assert len(systems["chatwoot"].requests(method="POST")) == before + 1
    mine = [["partner_id.email", "=", "ana@example.com"], ["state", "=", "sale"]]
    (order,) = gateway.call("odoo_search_records", {"model": "sale.order", "domain": mine})["structuredContent"]["records"]
    assert order["id"] == crew["calls"][3]["arguments"]["ids"][0]
    told = gateway.call("chatwoot_list_messages", {"conversation_id": crew["calls"][7]["arguments"]["conversation_id"]})
    assert "Ana Souza" in str(told) and told["structuredContent"]["messages"][-1]["text"].startswith("Your order is confirmed")


@pytest.mark.parametrize("client", ["crewai_adapter", "crewai_native"])
def test_the_values_of_a_domain_reach_odoo_with_their_types(gateway, systems, client):
    domain = ["|", ["id", "in", [6, 9]], ["id", "=", 7], ["active", "=", True], ["ref", "!=", None], ["name", "!=", "7"], ["color", "<", 1.5]]
    systems["odoo"].forget_requests()

    arguments = {"model": "res.partner", "domain": domain}
    report = clients.run(client, gateway.url, token(), [clients.LIST, clients.call("odoo_search_records", arguments)], patience=60 * SLOW)

    assert not report.hung and "error" not in report.calls[0], report.calls
    sent = [xmlrpc.client.loads(request["body"].encode())[0] for request in systems["odoo"].requests(method="POST")]
    (searched,) = [params for params in sent if "search_read" in params]
    assert repr(searched[5][0]) == repr(domain)  # 7 is equal to 7.0, and True to 1


@pytest.mark.parametrize("client", ["crewai_adapter", "crewai_native"])
def test_points_reach_qdrant_with_their_ids_and_vectors(gateway, systems, client):
    collection = f"made-by-{client}"
    points = [{"id": 7, "vector": [0.5, 1]}, {"id": "0b5ee1ae-32fa-4d1e-9d44-4c2b0f6e4a11", "vector": [1, 0.25]}]
    create = clients.call("qdrant_create_collection", {"collection": collection, "size": 2})
    upsert = clients.call("qdrant_upsert_points", {"collection": collection, "points": points})

    report = clients.run(client, gateway.url, token(), [clients.LIST, create, upsert], patience=60 * SLOW)

    assert not report.hung and not any("error" in call for call in report.calls), report.calls
    (request,) = systems["qdrant"].requests(method="PUT", path=f"/collections/{collection}/points")
    written = json.loads(request["body"])["points"]
    assert [(type(p["id"]), p["id"], p["vector"]) for p in written] == [(type(p["id"]), p["id"], p["vector"]) for p in points]
