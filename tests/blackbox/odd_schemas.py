"""Schemas that break clients, with values to tell by whether a rewritten one still means the same.

REWRITTEN: offered to every client; old ones get other words. KEPT: as it is, for all. MODERN_ONLY: nothing else can be
said, so clients of the earlier revisions do not get the tool. REFUSED: nobody does. Names are those of the tools.
"""

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
VALUES = [None, True, False, 0, 1, 2.5, -3, 42, "", "a", "abc", "abcdef", "2024-01-02", "x@y.z", [], ["a"], ["a", 1], ["a", 1, "b"], [1], [[]], [["a"]], {}, {"b": 1}, {"b": "x"}, {"b": None}, {"_x": "a"}, {"_x": 1}, {"c": [{"c": []}]}]


def of(schema, **root):
    """Takes an argument `a` with that schema."""
    return {"type": "object", "properties": {"a": schema}} | root


def defs(**schemas):
    return of({"$ref": f"#/$defs/{next(iter(schemas))}"}, **{"$defs": schemas})


REWRITTEN = {
    # docs/protocol.md "Tool schemas": what CrewAI makes no class of
    "two_types": of({"type": ["string", "null"]}),
    "two_types_with_words": of({"type": ["string", "null"], "maxLength": 5}),
    "two_types_with_items": of({"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1}),
    "two_types_with_properties": of({"type": ["object", "string"], "properties": {"b": {"type": ["integer", "null"]}}, "required": ["b"], "maxLength": 3}),
    "two_types_and_any_of": of({"type": ["string", "number", "null"], "anyOf": [{"maxLength": 3}, {"minimum": 5}]}),
    "two_types_any_of_and_all_of": of({"type": ["string", "null"], "anyOf": [{"maxLength": 3}], "allOf": [{"not": {"const": "a"}}]}),
    "two_types_and_values": of({"type": ["string", "null"], "enum": ["a", None, 1]}),
    "two_numbers": of({"type": ["integer", "number"], "minimum": 1}),
    "two_types_deep": of({"type": "array", "items": {"anyOf": [{"type": ["string", "array"], "maxItems": 1}, {"type": ["null", "boolean"]}]}}),
    "two_types_unevaluated": of({"type": ["object", "null"], "properties": {"b": {}}, "unevaluatedProperties": False}),
    "one_type": of({"type": ["string"]}),
    "any_value": of(True),
    "no_value": of(False),
    "any_value_deep": of({"type": "object", "properties": {"b": True, "c": False}}),
    "any_items": of({"type": "array", "items": True}),
    "no_items": of({"type": "array", "items": False}),
    "any_of_any": of({"anyOf": [False, {"type": "string"}]}),
    "all_of_any": of({"allOf": [True, {"type": "string"}]}),
    "any_defs": defs(n=True),
    "tuple": of({"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}, **{"$schema": DRAFT_07}),
    "tuple_and_no_more": of({"type": "array", "items": [{"type": "string"}], "additionalItems": False}, **{"$schema": DRAFT_07}),
    "tuple_and_more": of({"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "integer"}}, **{"$schema": DRAFT_07}),
    "tuple_and_anything": of({"type": "array", "items": [{"type": "string"}], "additionalItems": True}, **{"$schema": DRAFT_07}),
    "tuple_of_none": of({"type": "array", "items": [], "additionalItems": {"type": "integer"}}, **{"$schema": DRAFT_07}),
    "tuple_by_reference": of({"$ref": "#/definitions/n"}, definitions={"n": {"type": "array", "items": [{"type": ["string", "null"]}, {"$ref": "#/definitions/n/items/0"}]}}, **{"$schema": DRAFT_07}),
    "tuple_where_the_dialect_matters": of({"type": "object", "dependencies": {"b": ["c"]}, "properties": {"c": {"items": [{"type": "string"}]}}}, **{"$schema": DRAFT_07}),
    "prefix_items_and_rest": of({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
    "underscore": of({}, properties={"_x": {"type": "string"}, "a": {}}, additionalProperties=False),
    "underscore_deep": of({"type": "object", "properties": {"_x": {"type": "string"}}, "additionalProperties": False}),
    "underscore_in_items": of({"type": "array", "items": {"type": "object", "properties": {"_x": {"type": "string"}}}}),
    "underscore_by_reference": of({"$ref": "#/$defs/n/properties/_x"}, **{"$defs": {"n": {"type": "object", "properties": {"_x": {"type": "string"}}}}}),
    "underscore_with_signs": of({"type": "object", "properties": {"_x.y$": {"type": "string"}}}),
    "reserved_name": of({}, properties={"model_dump": {"type": "string"}, "a": {}}),
    "no_type_at_the_root": {"properties": {"a": {"type": "string"}}},
    "reference_by_anchor": defs(n={"$anchor": "n", "type": "string"}) | {"properties": {"a": {"$ref": "#n"}}},
    "reference_by_id": of({"$ref": "https://example.com/n"}, **{"$defs": {"n": {"$id": "https://example.com/n", "type": "array", "items": {"$ref": "#/$defs/m"}, "$defs": {"m": {"type": "string"}}}}}),
    "reference_by_own_id": of({"$ref": "https://example.com/t#/$defs/n"}, **{"$id": "https://example.com/t", "$defs": {"n": {"type": "string"}}}),
    "reference_into_a_list_of_types": of({"type": ["array", "null"], "items": {"type": "string"}}) | {"properties": {"a": {"$ref": "#/$defs/n/items"}}, "$defs": {"n": {"type": ["array", "null"], "items": {"type": "string"}}}},
    "reference_in_a_remark": of({"type": "string", "default": {"$ref": "http://127.0.0.1:9/x"}}),
    "endless_lists": defs(n={"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/n"}}]}),
    "endless_lists_direct": defs(n={"type": "array", "items": {"$ref": "#/$defs/n"}}),
    "pattern_that_looks_around": of({"type": "string", "pattern": "^(?!abc)"}),
    "pattern_that_refers_back": of({"type": "string", "pattern": "^(a)\\1?$"}),
    "pattern_of_many_letters": of({"type": "string", "pattern": "^\\w{1,5000}$"}),
    "pattern_beside_not": of({"type": "string", "pattern": "^(?!abc)", "not": {"const": "a"}}),
    "pattern_and_two_types": of({"type": ["string", "null"], "pattern": "^(?=a)"}),
    "bound_with_a_fraction": of({"type": "integer", "minimum": 1.5, "maximum": 50.0}),
    "bounds_beyond_64_bits": of({"type": ["integer", "null"], "maximum": 18446744073709551615, "minimum": 1}),
    "step_of_a_fraction": of({"type": "integer", "multipleOf": 1.5}),
    "length_with_a_fraction": of({"type": "string", "minLength": 2.0}),
    "value_that_is_an_object": of({"const": {"b": 1}}),
    "values_that_are_lists": of({"enum": [["a"], {"b": 1}, "a"]}),
    "format_email": of({"type": "string", "format": "email"}),
    "required_that_is_a_truth": of({"type": "string", "required": True}),
    "type_that_does_not_exist": of({"type": "any"}),
    "title_that_is_no_text": of({"type": "object", "title": 5, "properties": {"b": {"type": "integer"}}}),
}

KEPT = {
    "plain": of({"type": "string", "maxLength": 3, "pattern": "^[a-z]+$"}),
    "recursion": defs(n={"type": "object", "properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}),
    "closed": of({"type": "object", "properties": {"b": {"type": "integer"}}, "additionalProperties": False}),
    "open": of({"type": "object", "additionalProperties": True}),
    "conditions": of({"type": "string"}, **{"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"n": {"$anchor": "n", "type": "object"}}, "allOf": [{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}], "if": {"properties": {"a": {"const": "a"}}}, "then": {"required": ["b"]}, "else": {"required": ["a"]}}),
    "big_numbers": of({"type": "integer", "maximum": 18446744073709551615}),
    "odd_names": of({}, properties={"$ref": {"type": "string"}, "a-b": {}, "default": {}, "a": {"const": 1.50}}),
}

MODERN_ONLY = {
    "underscore_required": of({}, properties={"_x": {"type": "string"}}, required=["_x"]),
    "reference_in_a_value": of({"const": {"$ref": "http://127.0.0.1:9/x"}}),
    "reference_to_itself": defs(n={"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}),
    "something_in_any_of": of({"anyOf": [{"type": "string"}, 5]}),
}

REFUSED = {
    "external": of({"$ref": "http://127.0.0.1:9/schema.json"}),
    "external_in_a_word_nobody_knows": of({"type": "string", "x-note": [{"$ref": "http://127.0.0.1:9/x"}]}),
    "external_deep": of({"anyOf": [{"$ref": "other.json#/a"}]}),
    "dangling": of({"$ref": "#/$defs/none"}),
    "root_is_a_list": {"type": "array"},
    "header_on_number": of({"type": "number", "x-mcp-header": "A"}),
    "header_empty": of({"type": "string", "x-mcp-header": ""}),
    "header_no_token": of({"type": "string", "x-mcp-header": "A B"}),
    "header_with_a_line_feed": of({"type": "string", "x-mcp-header": "A\r\nB"}),
    "header_twice": {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}},
    "header_in_items": of({"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}),
    "header_in_any_of": of({"anyOf": [{"type": "string", "x-mcp-header": "A"}]}),
    "header_in_defs": of({"$ref": "#/$defs/n"}, **{"$defs": {"n": {"type": "string", "x-mcp-header": "A"}}}),
    "header_on_object": of({"type": "object", "x-mcp-header": "A"}),
    "header_without_type": of({"x-mcp-header": "A"}),
    "header_that_is_no_text": of({"type": "string", "x-mcp-header": 5}),
}

OUTPUTS = {
    "out_plain": of({"type": "string"}),
    "out_list": {"type": "array", "items": {"type": "string"}},
    "out_text": {"type": "string"},
    "out_no_type": {"properties": {"a": {}}},
    "out_two_types": {"type": ["object", "null"]},
    "out_dangling": of({"$ref": "#/$defs/none"}),
    "out_external": of({"$ref": "http://127.0.0.1:9/schema.json"}),
    "out_list_with_reference": {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "string"}}},
    "out_any": of(True),
    "out_none": of(False),
    "out_tuple": of({"type": "array", "items": [{"type": "string"}]}),
    "out_prefix_items": of({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
    "out_pattern": of({"type": "string", "pattern": "["}),
    "out_python_pattern": of({"type": "string", "pattern": "(?P<a>x)"}),
    "out_old_id": of({"type": "string", "id": "x"}),
    "out_one_id": of({"type": "string"}, **{"$id": "https://example.com/same"}),
    "out_same_id": of({"type": "integer"}, **{"$id": "https://example.com/same"}),
    "out_type_that_does_not_exist": of({"type": "any"}),
    "out_no_values": of({"enum": []}),
    "out_nullable": of({"nullable": True}),
    "out_draft_04": of({"type": "integer", "minimum": 1, "exclusiveMinimum": True}),
    "out_property_null": of(None),
    "out_required_is_a_truth": of({"type": "string"}, required=True),
}


def odd_tools(tool):
    """Every declaration there is; `tool` makes one."""
    for name, schema in {**REWRITTEN, **KEPT, **MODERN_ONLY, **REFUSED}.items():
        yield tool(name, inputSchema=schema)
    for name, schema in OUTPUTS.items():
        yield tool(name, outputSchema=schema)
    yield tool("no_description", description=None)
    yield tool("odd_annotations", annotations={"readOnlyHint": "yes", "title": 5})
    yield tool("odd_members", title=5, icons="x", execution=[], _meta=None)
    yield tool("extra_members", resultType="complete", ttlMs=5, anything={"at": "all"})
    schemaless = tool("no_schema")
    del schemaless["inputSchema"]
    yield schemaless


GOOD_MODERN = [*REWRITTEN, *KEPT, *MODERN_ONLY, *OUTPUTS, "no_description", "odd_annotations", "odd_members", "extra_members"]
GOOD_LEGACY = [name for name in GOOD_MODERN if name not in MODERN_ONLY]
