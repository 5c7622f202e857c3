# Plain functions of mcp-qdrant; its tools are tested as a whole in tests/blackbox.
guiche_test(test_qdrant_filter qdrant)
guiche_test(test_qdrant_points qdrant)
guiche_test(test_qdrant_search qdrant)
