/* See report.h. Values are numbers, in some versions text of one. Means come with the count they are made of.
 */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_POINTS 62

static bool is_mean(const char *metric)
{
    return strncmp(metric, "avg_", 4) == 0;
}

/* Anything but a number (null: no such event that day) is 0. */
static double value_of(const json_t *row)
{
    const json_t *value = json_object_get(row, "value");
    double number = json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);

    return isfinite(number) ? number : 0;
}

static json_t *point_json(const json_t *row)
{
    const json_t *count = json_object_get(row, "count");
    double value = value_of(row);
    json_t *number =
        value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value) : json_real(value);
    json_t *point = json_pack("{s:o, s:o}", "time", answer_time(row, "timestamp"), "value", number);

    if (json_is_integer(count)) {
        json_object_set_new(point, "count", json_integer(json_integer_value(count)));
    }
    return point;
}

/* A sum; of means one that weighs each day by its count, or days alike where there are no counts. */
static json_t *total_json(const json_t *points, bool mean)
{
    double sum = 0, weight = 0;
    size_t i;
    const json_t *point;

    json_array_foreach(points, i, point)
    {
        const json_t *count = json_object_get(point, "count");
        double value = json_number_value(json_object_get(point, "value"));
        double weighs = !mean ? 1 : count ? json_number_value(count) : value > 0;
        sum += value * weighs;
        weight += weighs;
    }
    if (mean) {
        return weight > 0 ? call_number(round(sum / weight)) : json_null();
    }
    return call_number(sum);
}

json_t *report_json(const char *metric, const json_t *rows)
{
    json_t *points = json_array();
    bool mean = is_mean(metric);
    size_t i;
    const json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *point = point_json(row);
        if (json_is_string(json_object_get(point, "time"))) {
            json_array_append(points, point);
        }
        json_decref(point);
    }
    json_t *total = total_json(points, mean);
    return json_pack("{s:s, s:s, s:o, s:o}", "metric", metric, "unit", mean ? "seconds" : "count", "total",
                     total, "points", points);
}

static void add_points(buf_t *text, const json_t *points)
{
    size_t i, shown = 0, left_out = 0;
    const json_t *point;

    json_array_foreach(points, i, point)
    {
        double value = json_number_value(json_object_get(point, "value"));
        if (value == 0) {
            continue;
        }
        if (shown == SHOWN_POINTS) {
            left_out++;
            continue;
        }
        buf_addf(text, "\n%.10s: %.15g", answer_words(point, "time"), value);
        shown++;
    }
    if (left_out > 0) {
        buf_addf(text, "\n(%zu more days; ask for a shorter period to read them)", left_out);
    }
}

void report_add_text(buf_t *text, const json_t *report)
{
    const json_t *total = json_object_get(report, "total");

    buf_addf(text, "%s of the %s", answer_words(report, "metric"), answer_words(report, "type"));
    answer_add_member(text, "id", report, "id");
    buf_addf(text, ", %.10s to %.10s: ", answer_words(report, "since"), answer_words(report, "until"));
    if (json_is_null(total)) {
        buf_add_text(text, "nothing to take a mean of.");
        return;
    }
    buf_addf(text, "%.15g %s.", json_number_value(total),
             is_mean(answer_words(report, "metric")) ? "seconds on average" : "in all");
    add_points(text, json_object_get(report, "points"));
}
