# Plain functions, then the tools with runtime and upstream faked.
foreach(test IN ITEMS test_chatwoot_html test_chatwoot_moment test_chatwoot_accounts)
  guiche_test(${test} chatwoot)
endforeach()
guiche_test(test_chatwoot_tools chatwoot)
target_sources(test_chatwoot_tools PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/test_chatwoot_kit.c ${CMAKE_CURRENT_LIST_DIR}/call_fake.c)
