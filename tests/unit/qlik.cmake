# Plain functions of mcp-qlik; its tools are driven by tests/blackbox against the stand-in.
foreach(test IN ITEMS test_qlik_links test_qlik_shapes)
  guiche_test(${test} qlik)
endforeach()
