/* json_print.c - a cJSON tree as text, the same bytes each time. */
#include "config.h"
#include "guardrail/json.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "guardrail/sys.h"

#include <math.h>
#include <stdlib.h>

/* Integers up to 2^53 (where doubles stop counting by one) are printed as such, and -0 as 0. JSON has no NaN and no
 * infinities: null, as cJSON does. */
void
gr_json_print_number(struct gr_buf *b, double v)
{
    if (!isfinite(v))
        gr_buf_puts(b, "null");
    else if (fabs(v) <= 0x1p53 && !(trunc(v) < v) && !(trunc(v) > v))
        gr_buf_put_i64(b, (int64_t)v);
    else
        gr_double_print(b, v);
}

static void
print_scalar(struct gr_buf *b, const cJSON *item)
{
    if (cJSON_IsString(item))
        gr_quote_json(b, gr_str(item->valuestring));
    else if (cJSON_IsNumber(item))
        gr_json_print_number(b, item->valuedouble);
    else if (cJSON_IsBool(item))
        gr_buf_puts(b, cJSON_IsTrue(item) ? "true" : "false");
    else {
        GR_ASSERT(cJSON_IsNull(item)); /* we never build raw items */
        gr_buf_puts(b, "null");
    }
}

static void
new_line(struct gr_buf *b, size_t depth)
{
    gr_buf_putc(b, '\n');
    for (size_t i = 0; i < depth; i++)
        gr_buf_puts(b, "  ");
}

static void
print_pretty(struct gr_buf *b, const cJSON *item, size_t depth)
{
    bool map = cJSON_IsObject(item);

    if (!map && !cJSON_IsArray(item)) {
        print_scalar(b, item);
        return;
    }
    gr_buf_putc(b, map ? '{' : '[');
    for (const cJSON *child = item->child; child; child = child->next) {
        if (child != item->child)
            gr_buf_putc(b, ',');
        new_line(b, depth + 1);
        if (map) {
            gr_quote_json(b, gr_str(child->string));
            gr_buf_puts(b, ": ");
        }
        print_pretty(b, child, depth + 1);
    }
    if (item->child)
        new_line(b, depth);
    gr_buf_putc(b, map ? '}' : ']');
}

void
gr_json_print(struct gr_buf *b, const cJSON *value)
{
    print_pretty(b, value, 0);
    gr_buf_putc(b, '\n');
}

struct member {
    const cJSON *item;
    size_t at;
};

static int
cmp_member(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int c = gr_str_cmp(gr_str(x->item->string), gr_str(y->item->string));

    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static void print_canonical(struct gr_buf *b, const cJSON *item);

static void
print_sorted(struct gr_buf *b, const cJSON *object)
{
    struct member *members = NULL;
    size_t count = 0, i = 0;

    for (const cJSON *child = object->child; child; child = child->next)
        count++;
    if (count > 0 && !(members = gr_sys.realloc(NULL, count * sizeof *members))) {
        if (b->err == GR_OK)
            b->err = GR_ENOMEM;
        return;
    }
    for (const cJSON *child = object->child; child; child = child->next, i++)
        members[i] = (struct member){child, i};
    if (count > 1)
        qsort(members, count, sizeof *members, cmp_member);
    gr_buf_putc(b, '{');
    for (i = 0; i < count; i++) {
        if (i > 0)
            gr_buf_putc(b, ',');
        gr_quote_json(b, gr_str(members[i].item->string));
        gr_buf_putc(b, ':');
        print_canonical(b, members[i].item);
    }
    gr_buf_putc(b, '}');
    if (members)
        gr_sys.free(members);
}

static void
print_canonical(struct gr_buf *b, const cJSON *item)
{
    if (cJSON_IsObject(item)) {
        print_sorted(b, item);
        return;
    }
    if (!cJSON_IsArray(item)) {
        print_scalar(b, item);
        return;
    }
    gr_buf_putc(b, '[');
    for (const cJSON *child = item->child; child; child = child->next) {
        if (child != item->child)
            gr_buf_putc(b, ',');
        print_canonical(b, child);
    }
    gr_buf_putc(b, ']');
}

void
gr_json_print_canonical(struct gr_buf *b, const cJSON *value)
{
    print_canonical(b, value);
}
