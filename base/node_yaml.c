/* node_yaml.c - YAML to nodes, with libyaml's event parser.
 *
 * libyaml decides what the text means; this file says where it stands and refuses the parts of YAML that make a
 * configuration hard to read or dangerous. Events come in the order of the text, and so do their marks, which count
 * characters: a cursor that moves along turns them into bytes. */
#include "config.h"
#include "guardrail/node.h"
#include "node_build.h"

#include <yaml.h>

#define ANCHOR_BUCKETS 256u

/* A value that was named with &name. */
struct anchor {
    struct anchor *next; /* in its bucket, newest first */
    struct gr_str name;
    const struct gr_node *node;
};

struct yaml_reader {
    struct node_builder b;
    struct anchor **anchors; /* foreign: ANCHOR_BUCKETS, once there is one */
    yaml_parser_t parser;
    size_t base;              /* bytes before the first character: 3 for a byte order mark, or 0 */
    bool foreign;             /* take what others write */
    bool ascii;               /* characters are bytes: the cursor is not needed */
    size_t chars, bytes;      /* the cursor: character `chars` begins at byte `bytes`, both from `base` */
    struct gr_span first_doc; /* where the document begins */
    bool have_doc, first_ended, done;
};

static const struct gr_str bom = GR_STR_INIT("\xef\xbb\xbf"); /* U+FEFF */

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte offset of a mark. Cheap as long as marks move little between calls, in either direction. */
static size_t
byte_of(struct yaml_reader *r, size_t chars)
{
    struct gr_str text = gr_str_sub(r->b.text, r->base, r->b.text.n);

    if (r->ascii)
        return r->base + (chars < text.n ? chars : text.n);
    while (r->chars < chars && r->bytes < text.n) {
        r->chars++;
        do
            r->bytes++;
        while (r->bytes < text.n && is_continuation(text.p[r->bytes]));
    }
    while (r->chars > chars) {
        r->chars--;
        do
            r->bytes--;
        while (is_continuation(text.p[r->bytes]));
    }
    return r->base + r->bytes;
}

/* The byte at an offset; NUL (which the text never holds) past the end. */
static char
byte_at(const struct yaml_reader *r, size_t at)
{
    return at < r->b.text.n ? r->b.text.p[at] : '\0';
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
    return is_blank(c) || c == '\n' || c == '\r';
}

/* The length of the line end at `at`, or 0. YAML 1.1, and so libyaml, has NEL, LS and PS besides CR and LF. */
static size_t
line_end(const struct yaml_reader *r, size_t at)
{
    static const struct gr_str ends[] = {
        GR_STR_INIT("\n"),           GR_STR_INIT("\r"),           GR_STR_INIT("\xc2\x85"),
        GR_STR_INIT("\xe2\x80\xa8"), GR_STR_INIT("\xe2\x80\xa9"),
    };

    for (size_t i = 0; i < GR_COUNT(ends); i++)
        if (gr_str_starts(gr_str_sub(r->b.text, at, r->b.text.n), ends[i]))
            return ends[i].n;
    return 0;
}

static void
refuse(struct yaml_reader *r, struct gr_span where, struct gr_str fix, const char *message)
{
    gr_diag(r->b.diags, GR0005, where, fix, "%s", message);
    r->b.bad = true;
}

/* What helps with the mistakes that people make most; `problem` is how libyaml's text begins. */
static const struct hint {
    const char *problem;
    struct gr_str fix;
} hints[] = {
    {"block mapping entries are not allowed", GR_STR_INIT("put the mapping on a line of its own")},
    {"block sequence entries are not allowed", GR_STR_INIT("put the list on a line of its own")},
    {"control characters are not allowed",
     GR_STR_INIT("remove the character, or escape it in double quotes")},
    {"could not find expected ':'", GR_STR_INIT("write key: value, with a blank behind the colon")},
    {"did not find expected ',' or ']'", GR_STR_INIT("separate the entries with commas and close the [")},
    {"did not find expected ',' or '}'", GR_STR_INIT("separate the entries with commas and close the {")},
    {"did not find expected '-' indicator", GR_STR_INIT("indent all entries of a list alike")},
    {"did not find expected key",
     GR_STR_INIT("indent all entries of a mapping alike; look for an open quote above")},
    {"did not find expected <document start>", GR_STR_INIT("put each document into a file of its own")},
    {"did not find expected node content", GR_STR_INIT("write a value, or close the bracket")},
    {"found a tab character", GR_STR_INIT("indent with spaces")},
    {"found character that cannot start any token",
     GR_STR_INIT("quote the text; indent with spaces, not tabs")},
    {"found invalid Unicode character escape code", GR_STR_INIT("write the character itself")},
    {"found undefined tag handle", GR_STR_INIT("remove the tag")},
    {"found unexpected ':'", GR_STR_INIT("quote the text")},
    {"found unexpected document indicator", GR_STR_INIT("close the quote")},
    {"found unexpected end of stream", GR_STR_INIT("close the quote")},
    {"found unknown escape character", GR_STR_INIT("double the backslash, or use single quotes")},
    {"found unknown directive name", GR_STR_INIT("remove the line")},
    {"mapping values are not allowed",
     GR_STR_INIT("quote a value that contains \": \"; check the indentation")},
};

static struct gr_str
hint_for(const char *problem)
{
    for (size_t i = 0; i < GR_COUNT(hints); i++)
        if (strncmp(problem, hints[i].problem, strlen(hints[i].problem)) == 0)
            return hints[i].fix;
    return GR_STR_NONE;
}

/* libyaml stopped: say why, in its words, where it says. */
static enum gr_err
report_syntax(struct yaml_reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not well-formed YAML";
    size_t at;

    if (p->error == YAML_MEMORY_ERROR)
        return GR_ENOMEM;
    if (p->error == YAML_READER_ERROR)
        at = r->base + p->problem_offset;
    else
        at = byte_of(r, p->problem_mark.index);
    gr_diag(r->b.diags, GR0004, build_span_char(&r->b, at), hint_for(problem), "%s%s%s", problem,
            p->context ? " " : "", p->context ? p->context : "");
    if (p->context && p->context_mark.index != p->problem_mark.index)
        gr_diag_note(r->b.diags, build_span_char(&r->b, byte_of(r, p->context_mark.index)), "%s from here",
                     p->context);
    r->b.bad = true;
    return GR_EUSER;
}

/* Where the anchor that begins at `at` ends: libyaml takes letters, digits, _ and -. */
static size_t
anchor_end(const struct yaml_reader *r, size_t at)
{
    char c;

    do
        c = byte_at(r, ++at);
    while ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-');
    return at;
}

/* Where the tag that begins at `at` ends. */
static size_t
tag_end(const struct yaml_reader *r, size_t at)
{
    bool verbatim = byte_at(r, at + 1) == '<';

    while (byte_at(r, at) && !is_blank(byte_at(r, at)) && line_end(r, at) == 0 &&
           (verbatim || !strchr(",[]{}", byte_at(r, at)))) {
        if (verbatim && byte_at(r, at) == '>')
            return at + 1;
        at++;
    }
    return at;
}

/* Where the line that `at` is in ends. */
static size_t
rest_of_line(const struct yaml_reader *r, size_t at)
{
    while (byte_at(r, at) && line_end(r, at) == 0)
        at++;
    return at;
}

/* The next byte that is no blank, line end or comment. */
static size_t
skip_space(const struct yaml_reader *r, size_t at)
{
    for (;;) {
        if (is_blank(byte_at(r, at)))
            at++;
        else if (line_end(r, at) > 0)
            at += line_end(r, at);
        else if (byte_at(r, at) == '#')
            at = rest_of_line(r, at);
        else
            return at;
    }
}

/* Tags that say no more than the value's form does. */
static bool
is_plain_tag(const char *tag)
{
    return strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, YAML_MAP_TAG) == 0 ||
           strcmp(tag, YAML_SEQ_TAG) == 0;
}

/* Refuses the anchor and the tag in front of a value, in whichever order they stand, unless foreign files may have them. Returns
 * where the value begins. */
static size_t
refuse_properties(struct yaml_reader *r, size_t at, const void *anchor, const void *tag)
{
    for (int left = (anchor ? 1 : 0) + (tag ? 1 : 0); left > 0; left--) {
        bool is_anchor = byte_at(r, at) == '&';
        size_t end = is_anchor ? anchor_end(r, at) : tag_end(r, at);

        if (r->foreign && (is_anchor || (tag && is_plain_tag(tag))))
            ; /* as it may be */
        else if (is_anchor)
            refuse(r, build_span(&r->b, at, end),
                   GR_STR("remove the anchor and write the value wherever it is needed"),
                   "anchors are not allowed");
        else
            refuse(r, build_span(&r->b, at, end),
                   GR_STR("remove the tag; quote the value if it is to be text"), "tags are not allowed");
        at = skip_space(r, end);
    }
    return at;
}

static bool
is_null_word(struct gr_str s)
{
    return s.n == 0 || gr_str_is(s, "~") || gr_str_is(s, "null") || gr_str_is(s, "Null") ||
           gr_str_is(s, "NULL");
}

/* Where a value that is not written at all is missing: behind the colon. libyaml's mark may be at the next token. */
static size_t
empty_value_at(const struct yaml_reader *r, size_t at)
{
    const struct node_frame *f = r->b.top;
    size_t p;

    if (!f || !f->have_key || byte_at(r, at - 1) == ':')
        return at;
    for (p = f->key_span.end; is_blank(byte_at(r, p)); p++)
        continue;
    return byte_at(r, p) == ':' ? p + 1 : f->key_span.end;
}

static struct gr_span
scalar_span(struct yaml_reader *r, const yaml_event_t *e)
{
    size_t start = byte_of(r, e->start_mark.index), end = byte_of(r, e->end_mark.index);
    yaml_scalar_style_t style = e->data.scalar.style;

    if (e->data.scalar.anchor || e->data.scalar.tag) {
        start = refuse_properties(r, start, e->data.scalar.anchor, e->data.scalar.tag);
        if (start > end)
            start = end;
    } else if (start == end) {
        start = end = empty_value_at(r, start);
    }
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        while (end > start && is_space(r->b.text.p[end - 1]))
            end--;
    return build_span(&r->b, start, end);
}

static struct anchor **
anchor_bucket(struct yaml_reader *r, struct gr_str name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619u;
    return &r->anchors[hash % ANCHOR_BUCKETS];
}

/* Notes what the newest node is called; anchor may be NULL. */
static enum gr_err
name_node(struct yaml_reader *r, const yaml_char_t *anchor, const struct gr_node *node)
{
    struct anchor *a, **bucket;

    if (!anchor || !r->foreign || !node)
        return GR_OK;
    if (!r->anchors && !(r->anchors = gr_arena_array(r->b.arena, ANCHOR_BUCKETS, sizeof *r->anchors)))
        return GR_ENOMEM;
    if (!(a = gr_arena_alloc(r->b.arena, sizeof *a)))
        return GR_ENOMEM;
    a->name = gr_arena_dup(r->b.arena, gr_str((const char *)anchor));
    a->node = node;
    bucket = anchor_bucket(r, a->name);
    a->next = *bucket;
    *bucket = a;
    return a->name.p ? GR_OK : GR_ENOMEM;
}

static enum gr_err
on_scalar(struct yaml_reader *r, const yaml_event_t *e)
{
    struct gr_str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    struct gr_span span = scalar_span(r, e);
    const char *tag = (const char *)e->data.scalar.tag;
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!tag || strcmp(tag, "!") == 0);
    enum gr_err err;
    bool quoted = e->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                  e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE || (tag && !plain);
    enum gr_node_style style = plain ? GR_STYLE_PLAIN : quoted ? GR_STYLE_QUOTED : GR_STYLE_BLOCK;

    if (build_wants_key(&r->b)) {
        if (!plain || !gr_str_is(text, "<<") || r->foreign)
            return build_key(&r->b, text, span);
        refuse(r, span, GR_STR("write the entries out"), "merge keys are not allowed");
        build_bad_key(&r->b, span);
        return GR_OK;
    }
    if (plain && is_null_word(text))
        err = build_scalar(&r->b, GR_NODE_NULL, style, span, GR_STR_NONE);
    else
        err = build_scalar(&r->b, GR_NODE_SCALAR, style, span, text);
    if (err != GR_OK)
        return err;
    return name_node(r, e->data.scalar.anchor, r->b.top ? r->b.top->last : r->b.root);
}

/* What the alias names, if that is finished. */
static const struct gr_node *
anchored(struct yaml_reader *r, struct gr_str name)
{
    const struct anchor *a = r->anchors ? *anchor_bucket(r, name) : NULL;

    while (a && !gr_str_eq(a->name, name))
        a = a->next;
    for (const struct node_frame *f = r->b.top; a && f; f = f->up)
        if (f->node == a->node)
            return NULL;
    return a ? a->node : NULL;
}

/* The value again; a name that is not there is refused, and a null stands in. */
static enum gr_err
on_foreign_alias(struct yaml_reader *r, struct gr_str name, struct gr_span span)
{
    const struct gr_node *node = anchored(r, name);

    if (node)
        return build_alias(&r->b, node, span, name);
    refuse(r, span, GR_STR("name a value above with &"),
           "the alias names no value that is complete at this place");
    return build_scalar(&r->b, GR_NODE_NULL, GR_STYLE_PLAIN, span, GR_STR_NONE);
}

/* Refused; a null stands in for it, so that the rest can be read. */
static enum gr_err
on_alias(struct yaml_reader *r, const yaml_event_t *e)
{
    struct gr_span span = build_span(&r->b, byte_of(r, e->start_mark.index), byte_of(r, e->end_mark.index));

    if (r->foreign && !build_wants_key(&r->b))
        return on_foreign_alias(r, gr_str((const char *)e->data.alias.anchor), span);
    refuse(r, span, GR_STR("write the value out"), "aliases are not allowed");
    if (!build_wants_key(&r->b))
        return build_scalar(&r->b, GR_NODE_NULL, GR_STYLE_PLAIN, span, GR_STR_NONE);
    build_bad_key(&r->b, span);
    return GR_OK;
}

static enum gr_err
on_open(struct yaml_reader *r, const yaml_event_t *e, enum gr_node_kind kind)
{
    size_t start = byte_of(r, e->start_mark.index);
    enum gr_err err;

    if (kind == GR_NODE_MAP)
        start = refuse_properties(r, start, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    else
        start = refuse_properties(r, start, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    if ((err = build_open(&r->b, kind, start)) != GR_OK)
        return err;
    if ((err =
             name_node(r, kind == GR_NODE_MAP ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
                       r->b.top->node)) != GR_OK)
        return err;
    r->b.top->flow = kind == GR_NODE_MAP ? e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                                         : e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    return GR_OK;
}

/* Brackets end where libyaml says. Everything else (block collections, the pair in [a: b]) ends with its last entry:
 * there libyaml's mark is at the next token. */
static enum gr_err
on_close(struct yaml_reader *r, const yaml_event_t *e)
{
    bool bracket = r->b.top->flow && e->end_mark.index > e->start_mark.index;

    return build_close(&r->b, bracket ? byte_of(r, e->end_mark.index) : r->b.top->end);
}

static enum gr_err
on_document(struct yaml_reader *r, const yaml_event_t *e)
{
    size_t start = byte_of(r, e->start_mark.index), end = start;
    struct gr_span span = build_span_char(&r->b, start);

    if (strncmp(r->b.text.p + start, "---", r->b.text.n - start < 3 ? r->b.text.n - start : 3) == 0)
        span = build_span(&r->b, start, start + 3);
    if (r->have_doc && r->foreign) {
        gr_diag(r->b.diags, GR0008, span, GR_STR("put each document into a file of its own"),
                "this document and all behind it are not read");
        return GR_OK;
    }
    if (r->have_doc) {
        refuse(r, span, GR_STR("put each document into a file of its own"),
               "only one document is allowed in a file");
        gr_diag_note(r->b.diags, r->first_doc, "the first one begins here");
        return GR_EUSER;
    }
    r->have_doc = true;
    r->first_doc = span;
    if (byte_at(r, start) == '%' && !r->foreign) {
        end = rest_of_line(r, start);
        refuse(r, build_span(&r->b, start, end), GR_STR("remove the line"), "directives are not allowed");
    }
    return GR_OK;
}

static enum gr_err
on_event(struct yaml_reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(r, e);
    case YAML_SCALAR_EVENT:
        return on_scalar(r, e);
    case YAML_ALIAS_EVENT:
        return on_alias(r, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(r, e, GR_NODE_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_open(r, e, GR_NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(r, e);
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return GR_OK;
    case YAML_DOCUMENT_END_EVENT:
        r->first_ended = true;
        return GR_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
        return GR_OK;
    }
    return GR_OK;
}

/* What stands behind the first document of a foreign file is not read, but yaml.v3 looks at its first word, in case it is a
 * comment, and so gives up where that is none. */
static enum gr_err
look_behind(struct yaml_reader *r)
{
    enum gr_err err = GR_OK;
    bool started = false;

    for (unsigned i = 0; i < 2 && err == GR_OK && (i == 0 || started); i++) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event))
            return r->parser.error == YAML_SCANNER_ERROR || r->parser.error == YAML_MEMORY_ERROR
                       ? report_syntax(r)
                       : GR_OK;
        started = i == 0 && event.type == YAML_DOCUMENT_START_EVENT;
        if (started)
            err = on_document(r, &event);
        yaml_event_delete(&event);
    }
    r->done = true;
    return err;
}

static enum gr_err
read_events(struct yaml_reader *r)
{
    enum gr_err err = GR_OK;

    while (!r->done && err == GR_OK) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event))
            return report_syntax(r);
        err = on_event(r, &event);
        yaml_event_delete(&event);
        if (err == GR_OK && r->first_ended && r->foreign)
            return look_behind(r);
    }
    return err;
}

/* An empty file is a null that stands at its start. */
static enum gr_err
read_document(struct yaml_reader *r)
{
    struct gr_str text = gr_str_sub(r->b.text, r->base, r->b.text.n);
    enum gr_err err;

    if (!yaml_parser_initialize(&r->parser))
        return GR_ENOMEM;
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    err = read_events(r);
    yaml_parser_delete(&r->parser);
    if (err == GR_OK && !r->b.root)
        err = build_scalar(&r->b, GR_NODE_NULL, GR_STYLE_PLAIN, build_span(&r->b, r->base, r->base),
                           GR_STR_NONE);
    return err;
}

/* A byte order mark behind the start is invisible, and libyaml skips it at some places and not at others. */
static bool
check_marks(struct yaml_reader *r)
{
    size_t at = gr_str_find(r->b.text, bom, r->base);

    if (at == SIZE_MAX)
        return true;
    gr_diag(r->b.diags, GR0004, build_span(&r->b, at, at + bom.n),
            GR_STR("remove it, or write \\ufeff in double quotes"), "a byte order mark inside the text");
    return false;
}

static enum gr_err
read_text(struct yaml_reader *r, struct gr_node **out)
{
    enum gr_err err;

    *out = NULL;
    if (!build_check_text(&r->b, &r->ascii))
        return GR_EUSER;
    if (gr_str_starts(r->b.text, bom))
        r->base = bom.n;
    if (!check_marks(r))
        return GR_EUSER;
    err = read_document(r);
    if (err != GR_OK && err != GR_EUSER)
        return err;
    build_abandon(&r->b);
    *out = r->b.root;
    return err == GR_OK && r->b.bad ? GR_EUSER : err;
}

static struct node_builder
builder(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
        const struct gr_node_limits *limits, struct gr_diags *d)
{
    return (struct node_builder){.arena = a,
                                 .diags = d,
                                 .limits = limits ? *limits : gr_node_limits_default,
                                 .text = gr_sources_get(sources, file)->text,
                                 .file = file};
}

enum gr_err
gr_yaml_read(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
             const struct gr_node_limits *limits, struct gr_diags *d, struct gr_node **out)
{
    struct yaml_reader r = {.b = builder(a, sources, file, limits, d)};

    return read_text(&r, out);
}

enum gr_err
gr_yaml_read_foreign(struct gr_arena *a, const struct gr_sources *sources, uint32_t file,
                     const struct gr_node_limits *limits, struct gr_diags *d, struct gr_node **out)
{
    struct yaml_reader r = {.b = builder(a, sources, file, limits, d), .foreign = true};

    return read_text(&r, out);
}
