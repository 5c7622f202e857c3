/* list_data_files: the files that apps load their data from. */
#include "listing.h"

typedef struct {
    LIST_ARGS;
    const char *name_pattern, *connection_id, *folder_path, *app_id;
    bool all_spaces;
} args_t;

static const field_t args[] = {
    FIELD(args_t, name_pattern, .doc = "Only files whose name fits, with * and ? as wildcards: *.csv."),
    FIELD(args_t, all_spaces,
          .doc = "Files of every space this user may see; without it, of the personal space."),
    FIELD(args_t, connection_id, .format = "uuid",
          .doc = "Only files of the space behind this DataFiles connection; all_spaces then has no effect."),
    FIELD(args_t, folder_path, .doc = "Only files in this folder."),
    FIELD(args_t, app_id,
          .doc = "Files that belong to this app alone (from get_apps); they are not listed otherwise."),
    FIELDS_LIST(args_t),
    { 0 },
};

static const pick_t picks[] = {
    { "file_id", "id", PICK_TEXT },
    { "name", "name", PICK_TEXT },
    { "size_bytes", "size", PICK_INTEGER },
    { "folder", "folder", PICK_BOOL },
    { "space_id", "spaceId", PICK_TEXT },
    { "owner_id", "ownerId", PICK_TEXT },
    { "app_id", "appId", PICK_TEXT },
    { "modified_at", "modifiedDate", PICK_TEXT },
    { 0 },
};

static const listing_t files = { "files", "file", "/api/v1/data-files", "page", picks };

static void list_data_files(call_t *call, const void *decoded);

static const char result_schema[] = LIST_SCHEMA(
    "files",
    STRINGIZE(
    "file_id": {"type": "string"}, "name": {"type": "string"}, "size_bytes": {"type": "integer"},
    "folder": {"type": "boolean"}, "space_id": {"type": "string"}, "owner_id": {"type": "string"},
    "app_id": {"type": "string"}, "modified_at": {"type": "string"}));

const tool_t list_data_files_tool = {
    .name = "list_data_files",
    .title = "List data files",
    .description = "Lists data files (CSV, QVD, XLSX, Parquet, ...) that apps can load, the latest changed "
                   "first, with size and space. Lists only; the contents are not read.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_data_files,
};

static void list_data_files(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    query_t *query = query_new(call, files.path);

    query_add(query, "baseNameWildcard", a->name_pattern);
    query_add(query, "includeAllSpaces", a->all_spaces ? "true" : NULL);
    query_add(query, "connectionId", a->connection_id);
    query_add(query, "folderPath", a->folder_path);
    query_add(query, "appId", a->app_id);
    query_add(query, "sort", "-modifiedDate");
    listing_run(call, &files, query, a->limit, a->cursor);
}
