/* See prompt_list.h. */
#include "prompt_list.h"

#include "names.h"

static json_t *arguments_of(const prompt_t *prompt)
{
    json_t *arguments = json_array();

    for (const field_t *row = prompt->args; row && row->name; row++) {
        json_array_append_new(arguments, json_pack("{s:s, s:s*, s:b}", "name", row->name, "description",
                                                   row->doc, "required", row->required));
    }
    return arguments;
}

static json_t *declaration_of(const prompt_t *prompt)
{
    json_t *said = json_pack("{s:s, s:s*, s:s*}", "name", prompt->name, "title", prompt->title, "description",
                             prompt->description);

    if (prompt->args) {
        json_object_set_new(said, "arguments", arguments_of(prompt));
    }
    return said;
}

static int check(const entry_list_t *list, const entry_t *entry, err_t *err)
{
    if (!entry->name || !name_is_safe(span_of(entry->name))) {
        return err_set(err, ERR_INTERNAL,
                       "A prompt cannot be called \"%s\": names are a-z, 0-9 and single underscores inside, "
                       "at most %d.",
                       entry->name ? entry->name : "", NAME_MAX_LENGTH);
    }
    if (entry_list_find(list, span_of(entry->name))) {
        return err_set(err, ERR_INTERNAL, "Two prompts are called %s.", entry->name);
    }
    if (!entry->prompt->get) {
        return err_set(err, ERR_INTERNAL, "The prompt %s needs a get function.", entry->name);
    }
    return entry_check_strings(entry, err);
}

int prompt_list_fill(entry_list_t *list, const connector_t *connector, metrics_t *metrics, err_t *err)
{
    const prompt_t *const *prompts = connector->prompts;
    size_t count = 0;

    while (prompts && prompts[count]) {
        count++;
    }
    entry_list_reserve(list, count);
    for (size_t i = 0; i < count; i++) {
        const entry_t entry = entry_of_prompt(prompts[i]);
        if (check(list, &entry, err) != 0) {
            return -1;
        }
        json_auto_t *said = declaration_of(prompts[i]);
        if (entry_list_add(list, &entry, said, metrics, connector->name, err) != 0) {
            return -1;
        }
    }
    entry_list_close(list);
    return 0;
}
