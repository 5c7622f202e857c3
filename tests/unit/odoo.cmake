# The codec and the plain functions; the tools are driven against the stand-in, through gateway and connector
# (tests/blackbox/test_odoo*.py).
guiche_test(test_odoo_codec odoo)
target_sources(test_odoo_codec PRIVATE ${CMAKE_CURRENT_LIST_DIR}/odoo_recorded.c)
guiche_test(test_odoo_fault odoo)
target_sources(test_odoo_fault PRIVATE ${CMAKE_CURRENT_LIST_DIR}/odoo_recorded.c)
guiche_test(test_odoo_domain odoo)
guiche_test(test_odoo_logins odoo)
guiche_test(test_odoo_values odoo)
