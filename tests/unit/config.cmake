guiche_test(test_config gateway_core)
