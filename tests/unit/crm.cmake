# Plain functions, then the tools against a SQLite file through a fake of the runtime.
guiche_test(test_crm_period crm)
guiche_test(test_crm_scores crm)
guiche_test(test_crm_rubric crm)
foreach(test IN ITEMS test_crm_db test_crm_read_tools test_crm_write_tools test_crm_analysis)
  guiche_test(${test} crm)
  target_sources(${test} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/crm_call.c ${CMAKE_CURRENT_LIST_DIR}/call_fake.c)
endforeach()
