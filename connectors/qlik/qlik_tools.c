/* The tools of mcp-qlik, in the order in which they are listed. */
#include "qlik.h"

extern const tool_t get_apps_tool, get_app_tool, describe_app_data_tool, list_spaces_tool, list_items_tool,
    reload_app_tool, get_reload_tool, list_reloads_tool, ask_question_tool, recommend_analysis_tool,
    list_data_files_tool, predict_tool, get_user_tool;

const tool_t *const qlik_tools[] = {
    &get_apps_tool,          &get_app_tool,
    &describe_app_data_tool, &list_spaces_tool,
    &list_items_tool,        &reload_app_tool,
    &get_reload_tool,        &list_reloads_tool,
    &ask_question_tool,      &recommend_analysis_tool,
    &list_data_files_tool,   &predict_tool,
    &get_user_tool,          NULL,
};
