# The incoming half of common/net. http_fixture.h: a real server on a thread, driven over raw sockets.
guiche_test(test_loop net)
guiche_test(test_intake net)
guiche_test(test_http_listen net)
guiche_test(test_http_server net)
guiche_test(test_http_limits net)
guiche_test(test_http_stream net)
guiche_test(test_sse net)
include(net_client.cmake OPTIONAL)
