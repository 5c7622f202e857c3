# The parts, each with fakes for what it talks to.
guiche_test(test_call connector)
target_sources(test_call PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mcp_fake.c)
guiche_test(test_call_kinds connector)
target_sources(test_call_kinds PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mcp_fake.c)
guiche_test(test_call_rounds connector)
target_sources(test_call_rounds PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mcp_fake.c)
guiche_test(test_sealed_state connector)
guiche_test(test_uri_variables connector)
guiche_test(test_resource_list connector)
guiche_test(test_hop_gate connector)
guiche_test(test_tool_list connector)
guiche_test(test_account connector)
guiche_test(test_upstream connector)
guiche_test(test_upstream_text connector)
target_sources(test_upstream PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mcp_fake.c)

# The whole, as processes: a connector made for tests, and those the documentation shows.
add_executable(mcp-fixture ${CMAKE_CURRENT_LIST_DIR}/connector_fixture.c)
target_link_libraries(mcp-fixture PRIVATE connector)
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../../docs/examples/connector-hello ${CMAKE_BINARY_DIR}/examples/hello)
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../../docs/examples/connector-helpdesk ${CMAKE_BINARY_DIR}/examples/helpdesk)
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../../docs/examples/connector-library ${CMAKE_BINARY_DIR}/examples/library)
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../conformance/connector ${CMAKE_BINARY_DIR}/tests/conformance/connector)
guiche_test(test_connector connector)
target_sources(test_connector PRIVATE ${CMAKE_CURRENT_LIST_DIR}/process.c)
target_compile_definitions(test_connector PRIVATE FIXTURE_PROGRAM="$<TARGET_FILE:mcp-fixture>"
                                                  HELLO_PROGRAM="$<TARGET_FILE:mcp-hello>")
add_dependencies(test_connector mcp-fixture mcp-hello)

# The documentation shows the example it is built around.
guiche_test(test_connector_docs base)
target_compile_definitions(test_connector_docs PRIVATE DOCS="${CMAKE_CURRENT_LIST_DIR}/../../docs")
