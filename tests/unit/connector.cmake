# The parts, each with fakes for what it talks to.
guiche_test(test_call connector)
target_sources(test_call PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mcp_fake.c)
guiche_test(test_hop_gate connector)
guiche_test(test_tool_list connector)

# The whole, as processes: a connector made for tests, and the one the documentation shows.
add_executable(mcp-fixture ${CMAKE_CURRENT_LIST_DIR}/connector_fixture.c)
target_link_libraries(mcp-fixture PRIVATE connector)
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../../docs/examples/connector-hello ${CMAKE_BINARY_DIR}/examples/hello)
guiche_test(test_connector connector)
target_sources(test_connector PRIVATE ${CMAKE_CURRENT_LIST_DIR}/process.c)
target_compile_definitions(test_connector PRIVATE FIXTURE_PROGRAM="$<TARGET_FILE:mcp-fixture>"
                                                  HELLO_PROGRAM="$<TARGET_FILE:mcp-hello>")
add_dependencies(test_connector mcp-fixture mcp-hello)

# The documentation shows the example it is built around.
guiche_test(test_connector_docs base)
target_compile_definitions(test_connector_docs PRIVATE DOCS="${CMAKE_CURRENT_LIST_DIR}/../../docs")
