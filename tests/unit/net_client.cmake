# The outgoing half of common/net. raw_server.h: a scripted peer on a thread.
guiche_test(test_http_response net)
guiche_test(test_http_client net)
guiche_test(test_http_leave net)
guiche_test(test_hop_web net PkgConfig::openssl)
guiche_test(test_resolve net)
guiche_test(test_web net PkgConfig::openssl)
