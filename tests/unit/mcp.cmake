guiche_test(test_json_scan mcp)
guiche_test(test_json_block mcp)
guiche_test(test_eras mcp)
guiche_test(test_names mcp)
guiche_test(test_header_value mcp)
guiche_test(test_shapes mcp)
guiche_test(test_results mcp)
guiche_test(test_param_headers mcp)
target_sources(test_param_headers PRIVATE http_fake.c)
guiche_test(test_envelope mcp)
guiche_test(test_errors mcp)

# These run without sockets: http_fake.c stands in for net's http_server.c and so must be linked before it.
foreach(test IN ITEMS test_origin test_mcp_server test_mcp_server_modern test_mcp_server_calls
        test_mcp_asks test_mcp_acts test_mcp_listen test_mcp_batch)
  guiche_test(${test} mcp)
  target_sources(${test} PRIVATE http_fake.c)
endforeach()
foreach(test IN ITEMS test_mcp_server test_mcp_server_modern test_mcp_server_calls
        test_mcp_asks test_mcp_acts test_mcp_listen test_mcp_batch)
  target_sources(${test} PRIVATE mcp_fixture.c)
endforeach()
