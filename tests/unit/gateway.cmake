# What needs no socket.
guiche_test(test_lru gateway_core)
guiche_test(test_watch_topics gateway_core)
guiche_test(test_check_tool gateway_core)
guiche_test(test_schema_legacy gateway_core)
guiche_test(test_null_args gateway_core)
guiche_test(test_check_entry gateway_core)
guiche_test(test_uri_template gateway_core)
guiche_test(test_catalog gateway_core)
guiche_test(test_catalog_route gateway_core)
guiche_test(test_policy gateway_core)
guiche_test(test_query_args gateway_core)
guiche_test(test_rest_answer gateway_core)
guiche_test(test_hop_headers gateway_core)
guiche_test(test_gate gateway_core)
guiche_test(test_jwks_rules gateway_core)
guiche_test(test_proxies gateway_core)
guiche_test(test_forward gateway_core)
guiche_test(test_stdio_message gateway_core)

guiche_test(test_relay_read gateway_core)
guiche_test(test_sessions gateway_core)

# Against a scripted connector.
guiche_test(test_relay gateway_core)
guiche_test(test_handshake gateway_core)
guiche_test(test_discover gateway_core)
guiche_test(test_discover_eras gateway_core)
guiche_test(test_watch_stream gateway_core)

# http_fake.c stands in for net's http_server.c and so must be linked before it.
guiche_test(test_status gateway_core)
target_sources(test_status PRIVATE http_fake.c)
target_sources(test_hop_headers PRIVATE http_fake.c)
