/* node_json.c - JSON to nodes: the events of the strict scanner, handed to the tree builder. */
#include "config.h"
#include "guardrail/node.h"
#include "json_scan.h"
#include "node_build.h"

struct json_reader {
    struct node_builder b;
    struct json_scan scan;
    struct gr_buf scratch; /* a decoded string on its way into the arena */
};

static enum gr_err
report_fault(struct json_reader *r)
{
    const struct json_scan *s = &r->scan;
    enum gr_code code = GR0007;

    if (s->fault == JSON_FAULT_DEPTH)
        code = GR0002;
    else if (s->fault == JSON_FAULT_TEXT)
        code = GR0003;
    gr_diag(r->b.diags, code, build_span(&r->b, s->start, s->end), gr_str(s->fix), "%s", s->message);
    r->b.bad = true;
    return GR_EUSER;
}

/* The decoded key or string; it lives until the next one. */
static enum gr_err
decoded(struct json_reader *r, struct gr_str *out)
{
    struct gr_str inner = json_scan_inner(&r->scan);
    char *room;

    *out = inner;
    if (!r->scan.escaped)
        return GR_OK;
    gr_buf_reset(&r->scratch);
    if (!(room = gr_buf_room(&r->scratch, inner.n)))
        return GR_ENOMEM;
    *out = (struct gr_str){room, json_decode(inner, room)};
    return GR_OK;
}

static enum gr_err
on_string(struct json_reader *r, struct gr_span span, bool key)
{
    struct gr_str text;
    enum gr_err err = decoded(r, &text);

    if (err != GR_OK)
        return err;
    return key ? build_key(&r->b, text, span)
               : build_scalar(&r->b, GR_NODE_SCALAR, GR_STYLE_QUOTED, span, text);
}

static enum gr_err
on_event(struct json_reader *r, enum json_event event)
{
    const struct json_scan *s = &r->scan;
    struct gr_span span = build_span(&r->b, s->start, s->end);

    switch (event) {
    case JSON_OPEN_MAP:
        return build_open(&r->b, GR_NODE_MAP, s->start);
    case JSON_OPEN_LIST:
        return build_open(&r->b, GR_NODE_LIST, s->start);
    case JSON_CLOSE:
        return build_close(&r->b, s->end);
    case JSON_KEY:
        return on_string(r, span, true);
    case JSON_STRING:
        return on_string(r, span, false);
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        return build_scalar(&r->b, GR_NODE_SCALAR, GR_STYLE_PLAIN, span,
                            gr_str_sub(s->text, s->start, s->end));
    case JSON_NULL:
        return build_scalar(&r->b, GR_NODE_NULL, GR_STYLE_PLAIN, span, GR_STR_NONE);
    case JSON_BAD:
        return report_fault(r);
    case JSON_END:
        break;
    }
    return GR_OK;
}

enum gr_err
gr_json_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
             const struct gr_node_limits *limits, struct gr_diags *d, struct gr_node **out)
{
    struct json_reader r = {
        .b = {.arena = a,
              .diags = d,
              .limits = limits ? *limits : gr_node_limits_default,
              .text = gr_sources_get(sources, file)->text,
              .file = file},
        .scratch = GR_BUF_INIT(GR_SOURCE_BYTES_MAX),
    };
    enum json_event event = JSON_NULL;
    enum gr_err err = GR_OK;
    bool ascii;

    *out = NULL;
    if (!build_check_text(&r.b, &ascii))
        return GR_EUSER;
    json_scan_init(&r.scan, r.b.text, JSON_DEPTH_MAX);
    while (err == GR_OK && event != JSON_END) {
        event = json_scan_next(&r.scan);
        err = on_event(&r, event);
    }
    gr_buf_fini(&r.scratch);
    if (err != GR_OK && err != GR_EUSER)
        return err;
    build_abandon(&r.b);
    *out = r.b.root;
    return err == GR_OK && r.b.bad ? GR_EUSER : err;
}
