"""Schemas of tools: byte for byte for modern clients, in words that mean the same for those of earlier revisions."""

import json

import jsonschema
import pytest
from fake_connector import response, tool
from odd_schemas import KEPT, MODERN_ONLY, OUTPUTS, REFUSED, REWRITTEN, VALUES, odd_tools

NO_MEANING = {"required_that_is_a_truth", "type_that_does_not_exist"}  # a validator can only fail on what was declared
ARGUMENTS = [{}, *({"a": value} for value in VALUES), *(value for value in VALUES if isinstance(value, dict))]
ARGUMENTS += [{"model_dump": 5}, {"model_dump": "x"}, {"a": {"_x.y$": 5}}, {"a": {"_x.y$": "x"}}, {"a": {"_xzyz": 5}}]


@pytest.fixture(scope="module")
def gateway(start_module):
    fake = start_module.fake(tools=list(odd_tools(tool)))
    return start_module.gateway([{"name": "odd", "url": fake.url}]).offers("odd_plain")


def listed(gateway, era):
    tools = gateway.rpc("tools/list", era=era).json()["result"]["tools"]
    return {entry["name"].removeprefix("odd_"): entry for entry in tools}


@pytest.fixture(scope="module")
def legacy(gateway):
    return listed(gateway, "legacy")


@pytest.fixture(scope="module")
def modern(gateway):
    return listed(gateway, "modern")


def accepts(schema, arguments):
    return jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)(schema).is_valid(arguments)


def test_modern_clients_get_each_schema_as_it_was_declared(modern):
    for name, schema in {**REWRITTEN, **KEPT, **MODERN_ONLY}.items():
        wanted = {"type": "object"} | schema if name == "no_type_at_the_root" else schema
        assert modern[name]["inputSchema"] == wanted, name


def test_modern_clients_get_the_bytes_of_a_schema(start):
    schema = '{ "type" :"object","properties":{"a":{"maximum":1e3,"multipleOf":0.10,"pattern":"\\u0041/"}, "b":[true][0]}}'.replace("[true][0]", "true")
    broken = schema.replace('"type" :"object",', "")
    tools = '{"name":"whole","description":"d","inputSchema":%s},{"name":"mended","description":null,"inputSchema":%s}' % (schema, broken)
    body = '{"jsonrpc":"2.0","id":%d,"result":{"tools":[%s],"ttlMs":1000,"cacheScope":"public","resultType":"complete"}}'

    def on_list(request):
        payload = (body % (request.id, tools)).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload

    fake = start.fake(on_list=on_list)
    gateway = start.gateway([{"name": "odd", "url": fake.url}]).offers("odd_whole")
    text = gateway.rpc("tools/list", era="modern").text

    assert schema in text
    assert '{"type":"object",' + broken[1:] in text


@pytest.mark.parametrize("name", [name for name in {**REWRITTEN, **KEPT} if name not in NO_MEANING])
def test_what_older_clients_get_accepts_the_same_arguments(legacy, name):
    declared = {**REWRITTEN, **KEPT}[name]
    shown = legacy[name]["inputSchema"]

    for arguments in ARGUMENTS:
        assert accepts(shown, arguments) == accepts(declared, arguments), (arguments, shown)


def test_what_no_client_chokes_on_is_not_touched(legacy):
    for name, schema in KEPT.items():
        assert legacy[name]["inputSchema"] == schema, name


def schemas_in(node, inside=None):
    """Every object where a schema stands, without looking into negations: makers of classes do not either."""
    if isinstance(node, dict):
        if inside != "map":
            yield node
        for key, value in node.items():
            if inside == "map" or key in ("properties", "$defs", "definitions", "items", "anyOf", "allOf", "oneOf"):
                if key == "items" and value is False:
                    continue  # they do not look at that one
                named = inside != "map" and key in ("properties", "$defs", "definitions")
                yield from schemas_in(value, "map" if named else None)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_in(value)
    else:
        yield node


@pytest.mark.parametrize("name", [*REWRITTEN, *KEPT])
def test_what_older_clients_get_has_nothing_left_that_breaks_them(legacy, name):
    for schema in schemas_in(legacy[name]["inputSchema"]):
        assert isinstance(schema, dict), schema
        assert not isinstance(schema.get("type"), list), schema
        assert not isinstance(schema.get("items"), list), schema
        assert not any(argument.startswith("_") for argument in schema.get("properties", {})), schema
        assert schema.get("$ref", "#").startswith("#"), schema
        assert "127.0.0.1:9" not in json.dumps(schema)


def test_where_nothing_else_can_be_said_older_clients_do_without_the_tool(legacy, modern, gateway):
    kept_out = {entry["tool"]: entry["reason"] for entry in gateway.connector_status("odd")["quarantined"]}

    assert not set(MODERN_ONLY) & set(legacy)
    assert set(MODERN_ONLY) <= set(modern)
    assert set(MODERN_ONLY) <= set(kept_out)
    assert "_x" in kept_out["underscore_required"]


def test_what_nobody_can_take_is_named_in_status_and_log(legacy, modern, gateway):
    kept_out = {entry["tool"]: entry["reason"] for entry in gateway.connector_status("odd")["quarantined"]}
    logged = {line["tool"]: line for line in gateway.lines() if line.get("tool") in REFUSED}

    assert not set(REFUSED) & (set(legacy) | set(modern))
    assert set(REFUSED) <= set(kept_out) and set(REFUSED) == set(logged)
    assert all("x-mcp-header" in kept_out[name] for name in REFUSED if name.startswith("header_"))
    assert all("x-mcp-header" in str(logged[name]) for name in REFUSED if name.startswith("header_"))


def test_an_output_schema_that_clients_cannot_use_is_left_out_and_the_tool_stays(legacy, modern):
    assert set(OUTPUTS) <= set(legacy) and set(OUTPUTS) <= set(modern)
    assert legacy["out_plain"]["outputSchema"] == OUTPUTS["out_plain"]
    assert legacy["out_list"]["outputSchema"]["properties"]["result"] == OUTPUTS["out_list"]
    assert legacy["out_any"]["outputSchema"]["properties"]["a"] == {}
    kept = {name for name in OUTPUTS if "outputSchema" in legacy[name]}
    assert kept == {"out_plain", "out_list", "out_text", "out_any", "out_none"}
    gone = {name for name in OUTPUTS if "outputSchema" not in modern[name]}
    assert gone == {"out_dangling", "out_external"}
    for name in set(OUTPUTS) - gone:
        assert modern[name]["outputSchema"] == OUTPUTS[name], name


def test_nothing_a_schema_refers_to_is_fetched(start):
    fetched = start.fake()
    outside = {"$ref": fetched.url}
    tools = [tool("input", inputSchema={"type": "object", "properties": {"a": outside}}), tool("output", outputSchema=outside), tool("remark", inputSchema={"type": "object", "default": outside})]
    fake = start.fake(tools=tools, on_list=lambda request: response(request, {"tools": tools, "ttlMs": 100, "cacheScope": "public", "resultType": "complete"}))
    gateway = start.gateway([{"name": "odd", "url": fake.url}]).offers("odd_output", "odd_remark")

    assert fetched.url not in gateway.rpc("tools/list").text
    assert fetched.requests == []
