#include "config.h"
#include "jsonstream.h"

#include "guardrail/json.h"
#include "guardrail/quote.h"

static void
new_line(struct jsonstream *j)
{
    static const char blanks[] = "\n                                ";

    if (j->depth > j->flat)
        return;
    gr_buf_put(j->out, (struct gr_str){blanks, 1 + 2 * (size_t)j->depth});
}

/* Ends what is open until only `depth` are. */
static void
close_to(struct jsonstream *j, uint32_t depth)
{
    while (j->depth > depth) {
        j->depth--;
        if (j->open[j->depth].any && j->depth < j->flat) /* its members stand on lines of their own */
            new_line(j);
        gr_buf_putc(j->out, j->open[j->depth].list ? ']' : '}');
    }
}

static struct json_at
opened(struct jsonstream *j, bool list)
{
    struct json_at at = {j->depth, j->next_id++};

    GR_ASSERT(j->depth < JSONSTREAM_DEPTH_MAX);
    gr_buf_putc(j->out, list ? '[' : '{');
    j->open[j->depth].id = at.id;
    j->open[j->depth].list = list;
    j->open[j->depth].any = false;
    j->depth++;
    return at;
}

/* Up to where the value follows. */
static void
begin_member(struct jsonstream *j, struct json_at at, struct gr_str key)
{
    GR_ASSERT(at.depth < j->depth && j->open[at.depth].id == at.id);
    close_to(j, at.depth + 1);
    GR_ASSERT(key.n == 0 || !j->open[at.depth].list);
    if (j->open[at.depth].any)
        gr_buf_puts(j->out, j->depth > j->flat ? ", " : ",");
    j->open[at.depth].any = true;
    new_line(j);
    if (!j->open[at.depth].list) {
        gr_quote_json(j->out, key);
        gr_buf_puts(j->out, ": ");
    }
}

struct json_at
jsonstream_begin(struct jsonstream *j, struct gr_buf *out)
{
    *j = (struct jsonstream){.out = out, .flat = JSONSTREAM_DEPTH_MAX};
    return opened(j, false);
}

void
jsonstream_end(struct jsonstream *j)
{
    close_to(j, 0);
    gr_buf_putc(j->out, '\n');
}

struct json_at
jsonstream_object(struct jsonstream *j, struct json_at at, struct gr_str key)
{
    begin_member(j, at, key);
    return opened(j, false);
}

struct json_at
jsonstream_array(struct jsonstream *j, struct json_at at, struct gr_str key)
{
    begin_member(j, at, key);
    return opened(j, true);
}

void
jsonstream_str(struct jsonstream *j, struct json_at at, struct gr_str key, struct gr_str s)
{
    begin_member(j, at, key);
    gr_quote_json(j->out, s);
}

void
jsonstream_num(struct jsonstream *j, struct json_at at, struct gr_str key, double v)
{
    begin_member(j, at, key);
    gr_json_print_number(j->out, v);
}

void
jsonstream_bool(struct jsonstream *j, struct json_at at, struct gr_str key, bool v)
{
    begin_member(j, at, key);
    gr_buf_puts(j->out, v ? "true" : "false");
}
