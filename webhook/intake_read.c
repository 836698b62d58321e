#include "config.h"
#include "intake_read.h"

#include "guardrail/duration.h"
#include "guardrail/number.h"

#define SCALAR_BYTES_MAX 65536u /* as the thorough reader has it */

/* What may come in a body, as bits of what has been seen. */
enum member {
    HAS_ALERTS,
    HAS_COMMON_ANNOTATIONS,
    HAS_COMMON_LABELS,
    HAS_EXTERNAL_URL,
    HAS_GROUP_KEY,
    HAS_GROUP_LABELS,
    HAS_RECEIVER,
    HAS_STATUS,
    HAS_TRUNCATED,
    HAS_VERSION,
    HAS_ANNOTATIONS,
    HAS_ENDS_AT,
    HAS_FINGERPRINT,
    HAS_GENERATOR_URL,
    HAS_LABELS,
    HAS_STARTS_AT,
    HAS_MEMBERS
};
struct named {
    struct gr_str name;
    enum member member;
};
/* In the order in which Go writes its structs, so that the first look is nearly always right. */
static const struct named root_members[] = {
    {GR_STR_INIT("receiver"), HAS_RECEIVER},
    {GR_STR_INIT("status"), HAS_STATUS},
    {GR_STR_INIT("alerts"), HAS_ALERTS},
    {GR_STR_INIT("groupLabels"), HAS_GROUP_LABELS},
    {GR_STR_INIT("commonLabels"), HAS_COMMON_LABELS},
    {GR_STR_INIT("commonAnnotations"), HAS_COMMON_ANNOTATIONS},
    {GR_STR_INIT("externalURL"), HAS_EXTERNAL_URL},
    {GR_STR_INIT("version"), HAS_VERSION},
    {GR_STR_INIT("groupKey"), HAS_GROUP_KEY},
    {GR_STR_INIT("truncatedAlerts"), HAS_TRUNCATED},
};
static const struct named alert_members[] = {
    {GR_STR_INIT("status"), HAS_STATUS},           {GR_STR_INIT("labels"), HAS_LABELS},
    {GR_STR_INIT("annotations"), HAS_ANNOTATIONS}, {GR_STR_INIT("startsAt"), HAS_STARTS_AT},
    {GR_STR_INIT("endsAt"), HAS_ENDS_AT},          {GR_STR_INIT("generatorURL"), HAS_GENERATOR_URL},
    {GR_STR_INIT("fingerprint"), HAS_FINGERPRINT},
};
#define ROOT_ALL                                                                                             \
    (1u << HAS_ALERTS | 1u << HAS_COMMON_ANNOTATIONS | 1u << HAS_COMMON_LABELS | 1u << HAS_EXTERNAL_URL |    \
     1u << HAS_GROUP_KEY | 1u << HAS_GROUP_LABELS | 1u << HAS_RECEIVER | 1u << HAS_STATUS |                  \
     1u << HAS_VERSION)
#define ALERT_ALL                                                                                            \
    (1u << HAS_STATUS | 1u << HAS_LABELS | 1u << HAS_ANNOTATIONS | 1u << HAS_STARTS_AT | 1u << HAS_ENDS_AT | \
     1u << HAS_GENERATOR_URL | 1u << HAS_FINGERPRINT)

struct reader {
    struct gr_arena *arena;
    const char *p, *end;
    size_t values; /* as many nodes as the thorough reader would make, or more */
    int64_t now_ms;
    bool no_memory;
};

/* ---- the parts of JSON; each returns false where this reader ends ---- */

static char
peek(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
    return r->p < r->end ? *r->p : '\0';
}

static bool
take(struct reader *r, char c)
{
    if (peek(r) != c)
        return false;
    r->p++;
    return true;
}

/* ASCII, no control character, and with no meaning inside a string. */
static bool
is_plain(char c)
{
    return (unsigned char)c >= ' ' && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
/* Whether any of eight bytes may not be plain: the high bit of a byte is set where it is below the one subtracted, or above ASCII. */
static bool
any_special(uint64_t w)
{
    uint64_t quote = w ^ EACH('"'), backslash = w ^ EACH('\\');

    return ((w | ((w - EACH(' ')) & ~w) | ((quote - EACH(1)) & ~quote) |
             ((backslash - EACH(1)) & ~backslash)) &
            EACH(0x80)) != 0;
}

static const char *
skip_plain(const char *p, const char *end)
{
    uint64_t w;

    for (; end - p >= (ptrdiff_t)sizeof w; p += sizeof w) {
        memcpy(&w, p, sizeof w);
        if (any_special(w))
            break;
    }
    while (p < end && is_plain(*p))
        p++;
    return p;
}

/* The character that an escape at p stands for, and its length; 0: not one that this reader knows. */
static size_t
escape(const char *p, const char *end, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;
    int v = 0;

    if (end - p < 2)
        return 0;
    if (p[1] != '\0' && (at = strchr(from, p[1])) != NULL) {
        *out = to[at - from];
        return 2;
    }
    if (p[1] != 'u' || end - p < 6 || p[2] != '0' || p[3] != '0')
        return 0;
    for (int i = 4; i < 6; i++) {
        char c = p[i];
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (c - 'a' + 10);
        else
            return 0;
    }
    if (v == 0 || v > 0x7f)
        return 0;
    *out = (char)v;
    return 6;
}

/* A text with escapes, copied: it begins at `from`, the reader stands at its first backslash. */
static bool
read_escaped(struct reader *r, const char *from, struct gr_str *out)
{
    const char *close = r->p;
    size_t n = (size_t)(r->p - from), used;
    char *copy;

    for (; close < r->end && *close != '"'; close++)
        if (*close == '\\' && ++close == r->end)
            return false;
    if (close == r->end)
        return false;
    if (!(copy = gr_arena_alloc(r->arena, (size_t)(close - from) + 1))) {
        r->no_memory = true;
        return false;
    }
    memcpy(copy, from, n);
    while (r->p < close) {
        if (is_plain(*r->p)) {
            copy[n++] = *r->p++;
            continue;
        }
        if (*r->p != '\\' || (used = escape(r->p, close, &copy[n])) == 0)
            return false;
        r->p += used;
        n++;
    }
    r->p++;
    *out = (struct gr_str){copy, n};
    return n <= SCALAR_BYTES_MAX;
}

static bool
read_text(struct reader *r, struct gr_str *out)
{
    const char *from;

    r->values++;
    if (!take(r, '"'))
        return false;
    from = r->p;
    if ((r->p = skip_plain(r->p, r->end)) == r->end)
        return false;
    if (*r->p == '\\')
        return read_escaped(r, from, out);
    if (*r->p != '"')
        return false;
    *out = (struct gr_str){from, (size_t)(r->p++ - from)};
    return out->n <= SCALAR_BYTES_MAX;
}

/* The next key of an object whose '{' was taken; *more false: there was '}' instead. */
static bool
read_key(struct reader *r, bool first, bool *more, struct gr_str *key)
{
    *more = peek(r) != '}';
    if (!*more)
        return take(r, '}');
    return (first || take(r, ',')) && read_text(r, key) && take(r, ':');
}

/* ---- the payload ---- */

/* An object with known members, each at most once and in any order. */
struct object {
    const struct named *names;
    size_t count;
    unsigned needed; /* bits */
    bool (*read)(struct reader *r, enum member member, void *out);
};

static bool
which(const struct object *o, size_t guess, struct gr_str key, unsigned *seen, enum member *out)
{
    size_t i = guess < o->count && gr_str_eq(o->names[guess].name, key) ? guess : 0;

    while (i < o->count && !gr_str_eq(o->names[i].name, key))
        i++;
    if (i == o->count || (*seen & 1u << o->names[i].member) != 0)
        return false;
    *seen |= 1u << o->names[i].member;
    *out = o->names[i].member;
    return true;
}

static bool
read_object(struct reader *r, const struct object *o, void *out)
{
    unsigned seen = 0;
    bool more = true;

    r->values++;
    if (!take(r, '{'))
        return false;
    for (size_t n = 0;; n++) {
        struct gr_str key;
        enum member member;

        if (!read_key(r, n == 0, &more, &key))
            return false;
        if (!more)
            return (seen & o->needed) == o->needed;
        if (!which(o, n, key, &seen, &member) || !o->read(r, member, out))
            return false;
    }
}

static bool
read_status(struct reader *r, bool *firing)
{
    struct gr_str text;

    if (!read_text(r, &text))
        return false;
    *firing = gr_str_is(text, "firing");
    return *firing || gr_str_is(text, "resolved");
}

static bool
read_time(struct reader *r, int64_t *out)
{
    struct gr_str text;

    return read_text(r, &text) && intake_time(text, out) == GR_OK;
}

static bool
read_pairs(struct reader *r, struct label_set *out)
{
    struct label items[INTAKE_LABELS_MAX], *copy;
    size_t n = 0;
    bool more;

    r->values++;
    if (!take(r, '{'))
        return false;
    for (;; n++) {
        struct gr_str name, value;

        if (!read_key(r, n == 0, &more, &name))
            return false;
        if (!more)
            break;
        if (n == INTAKE_LABELS_MAX || !intake_name_ok(name) || !read_text(r, &value) ||
            value.n > INTAKE_VALUE_BYTES_MAX)
            return false;
        items[n] = (struct label){name, value};
    }
    if (labels_sort(items, n) != GR_OK)
        return false;
    if (!(copy = gr_arena_array(r->arena, n, sizeof *copy))) {
        r->no_memory = true;
        return false;
    }
    if (n > 0)
        memcpy(copy, items, n * sizeof *copy);
    *out = (struct label_set){copy, n};
    return true;
}

static bool
read_alert_member(struct reader *r, enum member member, void *arg)
{
    struct intake_alert *out = arg;
    struct gr_str fingerprint;

    switch (member) {
    case HAS_STATUS:
        return read_status(r, &out->decide.firing);
    case HAS_LABELS:
        return read_pairs(r, &out->decide.labels);
    case HAS_ANNOTATIONS:
        return read_pairs(r, &out->annotations);
    case HAS_STARTS_AT:
        return read_time(r, &out->decide.starts_at_ms);
    case HAS_ENDS_AT:
        return read_time(r, &out->decide.ends_at_ms);
    case HAS_GENERATOR_URL:
        return read_text(r, &out->generator_url);
    case HAS_FINGERPRINT:
        return read_text(r, &fingerprint);
    case HAS_ALERTS:
    case HAS_COMMON_ANNOTATIONS:
    case HAS_COMMON_LABELS:
    case HAS_EXTERNAL_URL:
    case HAS_GROUP_KEY:
    case HAS_GROUP_LABELS:
    case HAS_RECEIVER:
    case HAS_TRUNCATED:
    case HAS_VERSION:
    case HAS_MEMBERS:
        break;
    }
    return false;
}

static bool
read_alert(struct reader *r, struct intake_alert *out)
{
    static const struct object alert = {alert_members, GR_COUNT(alert_members), ALERT_ALL, read_alert_member};

    if (!read_object(r, &alert, out))
        return false;
    out->alertname = labels_get(out->decide.labels, GR_STR("alertname"));
    out->decide.spec_hash = labels_get(out->annotations, GR_STR("spec_hash"));
    out->decide.common_cause = labels_get(out->annotations, GR_STR(GR_ANNOTATION_COMMON_CAUSE));
    out->decide.received_ms = r->now_ms;
    return out->alertname.p != NULL;
}

static bool
read_alerts(struct reader *r, struct intake_batch *out)
{
    size_t cap = 0;

    r->values++;
    if (!take(r, '['))
        return false;
    while (peek(r) != ']') {
        struct intake_alert *grown = out->alerts;

        if ((out->count > 0 && !take(r, ',')) || out->count == INTAKE_ALERTS_MAX)
            return false;
        if (out->count == cap &&
            !(grown = gr_arena_grow(r->arena, out->alerts, out->count, &cap, sizeof *grown))) {
            r->no_memory = true;
            return false;
        }
        out->alerts = grown;
        if (!read_alert(r, &out->alerts[out->count]))
            return false;
        out->count++;
    }
    return take(r, ']');
}

static bool
read_truncated(struct reader *r, int64_t *out)
{
    const char *from;

    r->values++;
    (void)peek(r);
    for (from = r->p; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++)
        ;
    if (r->p == from || (*from == '0' && r->p - from > 1)) /* 00 is no number */
        return false;
    return gr_parse_i64((struct gr_str){from, (size_t)(r->p - from)}, 0, INT32_MAX, out) == GR_OK;
}

static bool
read_root_member(struct reader *r, enum member member, void *arg)
{
    struct intake_batch *out = arg;
    struct gr_str text;
    struct label_set unused;
    bool firing;

    switch (member) {
    case HAS_RECEIVER:
        return read_text(r, &out->receiver);
    case HAS_STATUS:
        return read_status(r, &firing);
    case HAS_ALERTS:
        return read_alerts(r, out);
    case HAS_GROUP_LABELS:
    case HAS_COMMON_LABELS:
    case HAS_COMMON_ANNOTATIONS:
        return read_pairs(r, &unused);
    case HAS_EXTERNAL_URL:
        return read_text(r, &text);
    case HAS_VERSION:
        return read_text(r, &text) && gr_str_is(text, "4");
    case HAS_GROUP_KEY:
        return read_text(r, &out->group_key);
    case HAS_TRUNCATED:
        return read_truncated(r, &out->truncated);
    case HAS_ANNOTATIONS:
    case HAS_ENDS_AT:
    case HAS_FINGERPRINT:
    case HAS_GENERATOR_URL:
    case HAS_LABELS:
    case HAS_STARTS_AT:
    case HAS_MEMBERS:
        break;
    }
    return false;
}

static bool
read_root(struct reader *r, struct intake_batch *out)
{
    static const struct object root = {root_members, GR_COUNT(root_members), ROOT_ALL, read_root_member};

    return read_object(r, &root, out) && peek(r) == '\0' && r->p == r->end && r->values <= INTAKE_NODES_MAX;
}

enum gr_err
intake_read(struct gr_arena *a, struct gr_str body, int64_t now_ms, struct intake_batch *out)
{
    struct reader r = {.arena = a, .p = body.p, .now_ms = now_ms};
    struct intake_batch batch = {.count = 0};

    if (body.n == 0 || body.n > INTAKE_BYTES_MAX)
        return GR_ESTATE;
    r.end = body.p + body.n;
    if (!read_root(&r, &batch))
        return r.no_memory ? GR_ENOMEM : GR_ESTATE;
    *out = batch;
    return GR_OK;
}

/* ---- what both readers hold texts to ---- */

bool
intake_name_ok(struct gr_str s)
{
    if (s.n == 0 || s.n > INTAKE_NAME_BYTES_MAX || (s.p[0] >= '0' && s.p[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

enum gr_err
intake_time(struct gr_str text, int64_t *out)
{
    if (gr_str_starts(text, GR_STR("0001-01-01T"))) {
        *out = 0;
        return GR_OK;
    }
    return gr_time_parse(text, out);
}
