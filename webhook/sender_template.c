/* sender_template.c - fills in the body of an `http` action (guardrail/template.h). */
#include "config.h"
#include "sender_call.h"
#include "sender_text.h"

#include "guardrail/duration.h"
#include "guardrail/template.h"
#include "jw.h"

#define TEXT_MAX 8000u

static void
put_command(void *arg, const char *what, struct gr_str command)
{
    struct gr_buf *b = arg;

    gr_buf_printf(b, "%s%s: " GR_FMT, b->n > 0 ? "\n" : "", what, GR_ARG(command));
}

/* What a placeholder stands for, unquoted. */
static void
put_value(struct gr_buf *b, enum gr_template_name name, const struct message *m)
{
    const struct gr_str texts[GR_TEMPLATE_NAMES] = {
        [GR_TEMPLATE_ACK_URL] = sender_link_ok(m->ack_url) ? m->ack_url : GR_STR_NONE,
        [GR_TEMPLATE_AUDIT] = m->audit_head,
        [GR_TEMPLATE_BY] = m->by,
        [GR_TEMPLATE_DASHBOARD_URL] = sender_link_ok(m->dashboard_url) ? m->dashboard_url : GR_STR_NONE,
        [GR_TEMPLATE_DEPLOYMENT_ID] = m->deployment_id,
        [GR_TEMPLATE_DESCRIPTION] = m->description,
        [GR_TEMPLATE_GUARDRAIL] = m->guardrail,
        [GR_TEMPLATE_KEY] = m->dedup_key,
        [GR_TEMPLATE_KIND] = gr_str(message_kind_name(m->kind)),
        [GR_TEMPLATE_LEVEL] = gr_str(policy_level_name(m->level)),
        [GR_TEMPLATE_LIMIT] = m->limit,
        [GR_TEMPLATE_METRIC] = m->source,
        [GR_TEMPLATE_NOW] = m->now,
        [GR_TEMPLATE_PHASE] = m->phase,
        [GR_TEMPLATE_REASON] = m->reason,
        [GR_TEMPLATE_RECORD] = m->record_path,
        [GR_TEMPLATE_REFERENCE] = m->reference,
        [GR_TEMPLATE_RUNBOOK_URL] = sender_link_ok(m->runbook_url) ? m->runbook_url : GR_STR_NONE,
        [GR_TEMPLATE_SEVERITY] = gr_str(sender_severity(m)),
        [GR_TEMPLATE_SPEC] = m->spec,
        [GR_TEMPLATE_SUMMARY] = m->summary,
    };

    GR_ASSERT(name < GR_TEMPLATE_NAMES);
    if (name == GR_TEMPLATE_ACTION)
        sender_action(b, m);
    else if (name == GR_TEMPLATE_AT)
        gr_time_print(b, m->at_ms);
    else if (name == GR_TEMPLATE_COMMANDS)
        sender_commands(m, put_command, b);
    else if (name == GR_TEMPLATE_RELEASE)
        labels_print(b, m->stream);
    else if (name == GR_TEMPLATE_TITLE)
        sender_title(b, m);
    else if (name == GR_TEMPLATE_WHERE)
        labels_print(b, m->slice);
    else
        gr_buf_put(b, texts[name]);
}

static void
keep_lines(struct gr_buf *b, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        gr_buf_putc(b, (unsigned char)s.p[i] < 0x20 && s.p[i] != '\n' ? ' ' : s.p[i]);
}

static void
fill(struct gr_buf *out, struct gr_str text, const struct message *m)
{
    size_t at = 0, from = 0, copied = 0;
    struct gr_str name;

    while (gr_template_next(text, &at, &from, &name)) {
        struct gr_buf value = GR_BUF_INIT(1 << 20);

        gr_buf_put(out, gr_str_sub(text, copied, from));
        put_value(&value, gr_template_name(name), m);
        sender_put(out, gr_buf_str(&value), keep_lines, TEXT_MAX);
        if (gr_buf_err(&value) != GR_OK)
            out->err = gr_buf_err(&value);
        gr_buf_fini(&value);
        copied = at;
    }
    gr_buf_put(out, gr_str_sub(text, copied, text.n));
}

/* Depth is bounded by the reader. */
static void
print(struct jw *w, const char *key, const struct gr_node *node, const struct message *m)
{
    struct gr_buf text = GR_BUF_INIT(1 << 20), name = GR_BUF_INIT(GR_TEMPLATE_BYTES_MAX + 1);
    bool map = node->kind == GR_NODE_MAP;

    if (node->kind == GR_NODE_NULL) {
        jw_null(w, key);
    } else if (node->kind == GR_NODE_SCALAR && node->style == GR_STYLE_PLAIN) {
        jw_raw(w, key, node->text); /* a number, true or false, as it stands */
    } else if (node->kind == GR_NODE_SCALAR) {
        fill(&text, node->text, m);
        jw_str(w, key, gr_buf_str(&text));
    } else {
        jw_open(w, key, map ? '{' : '[');
        gr_node_each (item, node) {
            gr_buf_reset(&name);
            gr_buf_put(&name, item->key);
            print(w, map ? gr_buf_cstr(&name) : NULL, item, m);
        }
        jw_close(w, map ? '}' : ']');
    }
    if (gr_buf_err(&text) != GR_OK)
        w->b->err = gr_buf_err(&text);
    if (gr_buf_err(&name) != GR_OK)
        w->b->err = gr_buf_err(&name);
    gr_buf_fini(&text);
    gr_buf_fini(&name);
}

void
template_print(struct gr_buf *b, struct gr_str text, const struct message *m)
{
    struct gr_arena *a = gr_arena_create(1u << 22);
    struct gr_template_fault fault;
    const struct gr_node *root = NULL;
    struct jw w = JW_INIT(b);
    enum gr_err err = a ? gr_template_read(a, text, &root, &fault) : GR_ENOMEM;

    if (err == GR_OK)
        print(&w, NULL, root, m);
    else
        b->err = err;
    gr_arena_free(a);
}
