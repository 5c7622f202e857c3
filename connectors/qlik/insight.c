/* See insight.h. */
#include "insight.h"

#include "answer.h"

#define MAX_APPS 20

static void append_text(json_t *list, const char *text)
{
    if (text && *text) {
        json_array_append_new(list, json_string(text));
    }
}

/* infoValues holds texts, or apps. */
static void append_values(json_t *values, const json_t *from)
{
    json_t *value;
    size_t i;

    json_array_foreach((json_t *)from, i, value)
    {
        if (json_is_array(value)) {
            append_values(values, value);
        } else {
            append_text(values,
                        json_is_string(value) ? json_string_value(value) : answer_text(value, "name"));
        }
    }
}

static void add_part(json_t *answer, const json_t *part)
{
    append_text(json_object_get(answer, "sentences"), answer_text(part, "sentence.text"));
    append_text(json_object_get(answer, "sentences"), answer_text(part, "errorMessage"));
    append_text(json_object_get(answer, "narratives"), answer_text(part, "narrative.text"));
    append_text(json_object_get(answer, "follow_ups"), answer_text(part, "followupSentence"));
    append_values(json_object_get(answer, "values"), json_object_get(part, "infoValues"));
}

static void add_apps(json_t *answer, const json_t *apps)
{
    static const pick_t picks[] = { { "app_id", "id", PICK_TEXT }, { "name", "name", PICK_TEXT }, { 0 } };
    json_t *list = json_object_get(answer, "apps");
    json_t *app;
    size_t i;

    json_array_foreach((json_t *)apps, i, app)
    {
        if (json_array_size(list) < MAX_APPS) {
            json_array_append_new(list, answer_pick(app, picks));
        }
    }
}

static void add_response(json_t *answer, const json_t *response)
{
    json_t *part;
    size_t i;

    json_array_foreach(json_object_get(response, "responses"), i, part)
    {
        add_part(answer, part);
    }
    add_apps(answer, json_object_get(response, "apps"));
}

json_t *insight_answer(const json_t *result)
{
    const json_t *response = json_object_get(result, "conversationalResponse");
    json_t *answer = json_pack("{s:[], s:[], s:[], s:[], s:[]}", "sentences", "narratives", "values",
                               "follow_ups", "apps");
    json_t *one;
    size_t i;

    if (json_is_array(response)) {
        json_array_foreach((json_t *)response, i, one)
        {
            add_response(answer, one);
        }
    } else {
        add_response(answer, response);
    }
    if (json_array_size(json_object_get(answer, "apps")) == 0) {
        add_apps(answer, json_object_get(result, "apps"));
    }
    return answer;
}

static json_t *dimensions_of(const json_t *analysis)
{
    json_t *names = json_array();
    json_t *dimension;
    size_t i;

    json_array_foreach(answer_at(analysis, "options.qHyperCubeDef.qDimensions"), i, dimension)
    {
        append_values(names, answer_at(dimension, "qDef.qFieldDefs"));
    }
    return names;
}

static json_t *measures_of(const json_t *analysis)
{
    json_t *names = json_array();
    json_t *measure;
    size_t i;

    json_array_foreach(answer_at(analysis, "options.qHyperCubeDef.qMeasures"), i, measure)
    {
        const char *label = answer_text(measure, "qDef.qLabel");
        append_text(names, label && *label ? label : answer_text(measure, "qDef.qDef"));
    }
    return names;
}

/* "data" is an object in what Qlik sends and an array of one in its specification. */
static const json_t *details_of(const json_t *result)
{
    const json_t *data = json_object_get(result, "data");

    return json_is_array(data) ? json_array_get(data, 0) : data;
}

json_t *insight_recommendations(const json_t *result, size_t limit)
{
    static const pick_t picks[] = {
        { "title", "analysis.title", PICK_TEXT },
        { "analysis", "analysis.analysis", PICK_TEXT },
        { "chart_type", "chartType", PICK_TEXT },
        { "relevance", "relevance", PICK_NUMBER },
        { 0 },
    };
    json_t *list = json_array();
    json_t *analysis;
    size_t i;

    json_array_foreach(json_object_get(details_of(result), "recAnalyses"), i, analysis)
    {
        if (i >= limit) {
            break;
        }
        json_t *row = answer_pick(analysis, picks);
        json_object_set_new(row, "dimensions", dimensions_of(analysis));
        json_object_set_new(row, "measures", measures_of(analysis));
        json_array_append_new(list, row);
    }
    return list;
}

json_t *insight_understood(const json_t *result)
{
    static const pick_t picks[] = {
        { "text", "text", PICK_TEXT },
        { "type", "type", PICK_TEXT },
        { "field", "fieldName", PICK_TEXT },
        { "value", "fieldValue", PICK_TEXT },
        { 0 },
    };
    json_t *list = json_array();
    json_t *word;
    size_t i;

    json_array_foreach(json_object_get(details_of(result), "nluInfo"), i, word)
    {
        json_array_append_new(list, answer_pick(word, picks));
    }
    return list;
}
