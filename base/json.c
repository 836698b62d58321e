/* json.c - cJSON behind a strict scan: what it would misread never reaches it. */
#include "config.h"
#include "guardrail/json.h"
#include "guardrail/sys.h"
#include "json_scan.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_BYTES_MAX                                                                                     \
    63 /* cJSON copies a number to a buffer of 64 and would stop in the middle of a longer one */
#define NO_MEMBER SIZE_MAX

static enum gr_err
fail(struct gr_json_error *error, enum gr_err err, size_t offset, const char *message)
{
    *error = (struct gr_json_error){offset, message};
    return err;
}

/* Reads the whole text with the strict scanner: after this, cJSON can only fail for lack of memory. */
static enum gr_err
scan_text(struct gr_str text, const struct gr_json_limits *limits, struct gr_json_error *error)
{
    struct json_scan s;
    enum json_event event;
    size_t values = 0;

    json_scan_init(&s, text, limits->depth);
    while ((event = json_scan_next(&s)) != JSON_END) {
        if (event == JSON_BAD)
            return fail(error, s.fault == JSON_FAULT_DEPTH ? GR_ELIMIT : GR_ESYNTAX, s.start, s.message);
        if (json_is_value(event) && ++values > limits->values)
            return fail(error, GR_ELIMIT, s.start, "too many values");
        if (event == JSON_NUMBER && s.end - s.start > NUMBER_BYTES_MAX)
            return fail(error, GR_ELIMIT, s.start, "a number with too many digits");
    }
    return GR_OK;
}

/* cJSON's nodes have no position. A node is found again by counting: value number `value` (from 0, in the order of the
 * text), or key number `member` of that map. */
static size_t
offset_of(struct gr_str text, size_t value, size_t member)
{
    struct json_scan s;
    enum json_event event;
    size_t values = 0, depth = 0; /* depth: of the map's keys, once it was found */

    json_scan_init(&s, text, JSON_DEPTH_MAX);
    while ((event = json_scan_next(&s)) != JSON_END && event != JSON_BAD) {
        if (json_is_value(event) && values++ == value) {
            if (member == NO_MEMBER)
                return s.start;
            depth = s.depth;
        }
        if (event == JSON_KEY && depth > 0 && s.depth == depth && member-- == 0)
            return s.start;
    }
    return 0;
}

struct member {
    const char *key;
    size_t at;
};

static int
cmp_member(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int c = strcmp(x->key, y->key);

    return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* *out: the first key of the text that was there before, or NO_MEMBER. By sorting: no choice of keys is slow. */
static enum gr_err
find_duplicate(const cJSON *object, size_t *out)
{
    struct member few[16], *members = few;
    size_t count = 0, i = 0;

    *out = NO_MEMBER;
    for (const cJSON *item = object->child; item; item = item->next)
        count++;
    if (count < 2)
        return GR_OK;
    if (count > GR_COUNT(few) && !(members = gr_sys.realloc(NULL, count * sizeof *members)))
        return GR_ENOMEM;
    for (const cJSON *item = object->child; item; item = item->next, i++)
        members[i] = (struct member){item->string, i};
    qsort(members, count, sizeof *members, cmp_member);
    for (i = 1; i < count; i++)
        if (strcmp(members[i].key, members[i - 1].key) == 0 && members[i].at < *out)
            *out = members[i].at;
    if (members != few)
        gr_sys.free(members);
    return GR_OK;
}

struct tree_check {
    struct gr_str text;
    struct gr_json_error *error;
    size_t values; /* seen so far */
};

/* What the scanner cannot see. Recursion ends at JSON_DEPTH_MAX. */
static enum gr_err
check_tree(struct tree_check *c, const cJSON *item)
{
    size_t value = c->values++, member;
    enum gr_err err;

    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
        return fail(c->error, GR_ELIMIT, offset_of(c->text, value, NO_MEMBER), "a number too large");
    if (cJSON_IsObject(item)) {
        if ((err = find_duplicate(item, &member)) != GR_OK)
            return err;
        if (member != NO_MEMBER)
            return fail(c->error, GR_ESYNTAX, offset_of(c->text, value, member),
                        "a key that was there before");
    }
    for (const cJSON *child = item->child; child; child = child->next)
        if ((err = check_tree(c, child)) != GR_OK)
            return err;
    return GR_OK;
}

enum gr_err
gr_json_parse(struct gr_str text, const struct gr_json_limits *limits, cJSON **out,
              struct gr_json_error *error)
{
    struct tree_check check = {.text = text, .error = error};
    const char *end = NULL;
    cJSON *json;
    enum gr_err err;

    if (text.n > limits->bytes)
        return fail(error, GR_ELIMIT, limits->bytes, "longer than allowed");
    if ((err = scan_text(text, limits, error)) != GR_OK)
        return err;
    if (!(json = cJSON_ParseWithLengthOpts(text.p, text.n, &end, 0)))
        return GR_ENOMEM;
    if (!end || gr_str_trim(gr_str_sub(text, (size_t)(end - text.p), text.n)).n > 0)
        err =
            fail(error, GR_ESYNTAX, end ? (size_t)(end - text.p) : 0, "nothing is allowed behind the value");
    else
        err = check_tree(&check, json);
    if (err != GR_OK) {
        cJSON_Delete(json);
        return err;
    }
    *out = json;
    return GR_OK;
}

const cJSON *
gr_json_get(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

struct gr_str
gr_json_str(const cJSON *object, const char *name)
{
    const cJSON *item = gr_json_get(object, name);

    return cJSON_IsString(item) ? gr_str(item->valuestring) : GR_STR_NONE;
}

enum gr_err
gr_json_i64(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const cJSON *item = gr_json_get(object, name);
    int64_t v;

    if (!item)
        return GR_ENOENT;
    /* Beyond 2^53 neighbours share a double, so the number in the text may have been another one. */
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= 0x1p53) ||
        trunc(item->valuedouble) < item->valuedouble || trunc(item->valuedouble) > item->valuedouble)
        return GR_ERANGE;
    v = (int64_t)item->valuedouble;
    if (v < min || v > max)
        return GR_ERANGE;
    *out = v;
    return GR_OK;
}
