guiche_test(test_config gateway_core)
guiche_test(test_cli gateway_core)
