#include "config.h"
#include "kube.h"

#include "backend.h"
#include "guardrail/hash.h"
#include "guardrail/quote.h"

#define HASH_DIGITS 8u

static char
name_char(char c)
{
    return c == '_' ? '-' : c;
}

void
kube_name(const struct model *m, struct gr_str what, struct gr_buf *b)
{
    char hex[GR_SHA256_HEX + 1];
    size_t start = b->n;

    if (what.n > 0)
        gr_buf_printf(b, GR_FMT "-" GR_FMT, GR_ARG(m->spec), GR_ARG(what));
    else
        gr_buf_printf(b, "guardrail-" GR_FMT, GR_ARG(m->spec));
    if (gr_buf_err(b) != GR_OK)
        return;
    if (b->n - start > KUBE_NAME_MAX) {
        if (gr_sha256_hex(gr_str_sub(gr_buf_str(b), start, b->n), hex) != GR_OK) {
            b->err = GR_ENOMEM;
            return;
        }
        gr_buf_cut(b, start + KUBE_NAME_MAX - HASH_DIGITS - 1);
        gr_buf_printf(b, "-%.*s", (int)HASH_DIGITS, hex);
    }
    for (size_t i = start; i < b->n; i++)
        b->p[i] = name_char(b->p[i]);
    while (b->n > start && b->p[b->n - 1] == '-')
        gr_buf_cut(b, b->n - 1);
}

/* -- the head of an object ----------------------------------------------------------------------------------------------- */

static bool
is_set_later(const struct pairs *const *sets, size_t n, size_t set, struct gr_str key)
{
    for (size_t i = set + 1; i < n; i++)
        for (size_t k = 0; sets[i] && k < sets[i]->n; k++)
            if (gr_str_eq(sets[i]->v[k].key, key))
                return true;
    return false;
}

static void
put_pair(struct gr_buf *b, struct pair p)
{
    gr_buf_puts(b, "    ");
    gr_quote_yaml(b, p.key);
    gr_buf_puts(b, ": ");
    gr_quote_yaml(b, p.value);
    gr_buf_putc(b, '\n');
}

/* Ours, then the spec's for all objects, then those of this one; of two with the same key the later. */
static void
put_labels(const struct model *m, const struct pairs *more, struct gr_buf *b)
{
    struct gr_buf part = GR_BUF_INIT(KUBE_NAME_MAX * 2);
    struct pair own[] = {{GR_STR_INIT("app.kubernetes.io/managed-by"), GR_STR_INIT("guardrail")},
                         {GR_STR_INIT("app.kubernetes.io/part-of"), GR_STR_INIT("")}};
    const struct pairs ours = {own, GR_COUNT(own)}, *sets[] = {&ours, &m->kubernetes.labels, more};

    kube_name(m, GR_STR_NONE, &part);
    own[1].value = gr_buf_str(&part);
    gr_buf_puts(b, "  labels:\n");
    for (size_t i = 0; i < GR_COUNT(sets); i++)
        for (size_t k = 0; sets[i] && k < sets[i]->n; k++)
            if (!is_set_later(sets, GR_COUNT(sets), i, sets[i]->v[k].key))
                put_pair(b, sets[i]->v[k]);
    gr_buf_fini(&part);
}

static void
put_annotations(const struct model *m, const struct kube_object *o, struct gr_buf *b)
{
    gr_buf_puts(b, "  annotations:\n");
    put_pair(b, (struct pair){GR_STR("guardrail/compiler"), GR_STR("guardrail " PACKAGE_VERSION)});
    put_pair(b, (struct pair){GR_STR("guardrail/spec-hash"), m->spec_hash});
    if (o->annotation.key.n > 0)
        put_pair(b, o->annotation);
}

void
kube_head(const struct model *m, const struct kube_object *o, struct gr_buf *b)
{
    backend_header(m, b);
    gr_buf_printf(b, "\napiVersion: %s\nkind: %s\nmetadata:\n  name: ", o->api, o->kind);
    kube_name(m, o->name, b);
    if (o->namespace.n > 0) {
        gr_buf_puts(b, "\n  namespace: ");
        gr_quote_yaml(b, o->namespace);
    }
    gr_buf_putc(b, '\n');
    put_labels(m, o->labels, b);
    put_annotations(m, o, b);
}

/* -- texts ----------------------------------------------------------------------------------------------------------------- */

static void
put_blanks(struct gr_buf *b, unsigned n)
{
    for (; n > 0; n--)
        gr_buf_putc(b, ' ');
}

void
kube_indent(struct gr_buf *b, struct gr_str text, unsigned n)
{
    struct gr_str rest = text, line;

    if (gr_str_ends(rest, GR_STR("\n")))
        rest.n--;
    while (gr_str_next(&rest, '\n', &line)) {
        if (line.n > 0)
            put_blanks(b, n);
        gr_buf_put(b, line);
        gr_buf_putc(b, '\n');
    }
}

/* The code point of a character that YAML does not take in a block, and its length; 0: it does. The text is UTF-8. */
static unsigned
forbidden(const unsigned char *p, size_t left, size_t *len)
{
    *len = 1;
    if (p[0] == 0x7f)
        return 0x7f;
    if (left >= 2 && p[0] == 0xc2 && p[1] < 0xa0) { /* C1 controls */
        *len = 2;
        return p[1];
    }
    *len = 3;
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) /* they end a line */
        return 0x2000u | (p[2] & 0x3fu);
    if (left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) /* byte order mark */
        return 0xfeff;
    if (left >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe) /* no characters */
        return 0xffc0u | (p[2] & 0x3fu);
    return 0;
}

void
kube_json(struct gr_buf *b, struct gr_str key, struct gr_str json)
{
    bool at_start = true;
    size_t len;

    gr_buf_puts(b, "  ");
    gr_quote_yaml(b, key);
    gr_buf_puts(b, ": |\n");
    if (gr_str_ends(json, GR_STR("\n")))
        json.n--;
    for (size_t i = 0; i < json.n; i++) {
        unsigned cp = forbidden((const unsigned char *)json.p + i, json.n - i, &len);

        if (at_start && json.p[i] != '\n')
            put_blanks(b, 4);
        at_start = json.p[i] == '\n';
        if (cp == 0) {
            gr_buf_putc(b, json.p[i]);
            continue;
        }
        gr_buf_printf(b, "\\u%04x", cp);
        i += len - 1;
    }
    gr_buf_putc(b, '\n');
}

void
kube_duration(struct gr_buf *b, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    gr_buf_printf(b, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
}

void
kube_item(struct gr_buf *b, size_t start, unsigned n)
{
    if (gr_buf_err(b) != GR_OK)
        return; /* it may be cut */
    GR_ASSERT(start + n < b->n && b->p[start + n] == ' ');
    b->p[start + n] = '-';
}
