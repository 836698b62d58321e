#include "config.h"
#include "replay.h"

#include <inttypes.h>
#include "audit.h"
#include "decide_json.h"
#include "guardrail/file.h"
#include "guardrail/quote.h"
#include "jread.h"

#define ARENA_BYTES_MAX (128u << 20)

/* One line at work. */
struct line {
    struct replay *r;
    const char *name;
    int64_t seq;
    struct gr_buf *report;
    struct gr_arena *arena;
};

static void
put(struct line *l, const char *what, struct gr_str detail)
{
    gr_buf_printf(l->report, "%s: record %" PRId64 ": %s", l->name, l->seq, what);
    if (detail.n) {
        gr_buf_putc(l->report, ' ');
        gr_quote_log(l->report, detail);
    }
    gr_buf_putc(l->report, '\n');
}

/* ---- policies ---- */

static enum gr_err
parse_policy(struct gr_str text, struct policy **out)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    enum gr_err err = d ? policy_parse(GR_STR("policy"), text, sources, d, out) : GR_ENOMEM;

    gr_diags_free(d);
    gr_sources_free(sources);
    return err;
}

/* *why: static text, when the policy cannot be used. */
static enum gr_err
load_policy(const char *folder, const char *sha256, struct policy **out, const char **why)
{
    struct gr_buf path = GR_BUF_INIT(4096), text = GR_BUF_INIT(GR_POLICY_BYTES_MAX);
    char hash[GR_SHA256_HEX + 1];
    enum gr_err err;

    gr_buf_printf(&path, "%s/policy-%s.json", folder, sha256);
    if ((err = gr_buf_err(&path)) != GR_OK)
        goto done;
    if ((err = gr_file_read(gr_buf_cstr(&path), &text)) != GR_OK)
        *why = "its policy cannot be read:";
    else if ((err = gr_sha256_hex(gr_buf_str(&text), hash)) != GR_OK)
        goto done;
    else if (strcmp(hash, sha256) != 0)
        *why = "its policy was changed:";
    else if ((err = parse_policy(gr_buf_str(&text), out)) != GR_OK)
        *why = "its policy is not valid:";
done:
    gr_buf_fini(&path);
    gr_buf_fini(&text);
    return err == GR_ENOMEM ? err : GR_OK;
}

static bool
is_sha256(struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == GR_SHA256_HEX;
}

/* *out NULL: it was said why. */
static enum gr_err
policy_for(struct line *l, struct gr_str sha256, const struct policy **out, const char **name)
{
    struct replay *r = l->r;
    const char *why = NULL;
    enum gr_err err;

    *out = NULL;
    for (size_t i = 0; i < r->policy_count; i++)
        if (gr_str_is(sha256, r->policies[i].sha256)) {
            *out = r->policies[i].policy;
            *name = r->policies[i].sha256;
            return GR_OK;
        }
    if (!is_sha256(sha256) || r->policy_count == REPLAY_POLICIES_MAX) {
        put(l, is_sha256(sha256) ? "there are more than 256 policies" : "it names no policy", GR_STR(""));
        return GR_OK;
    }
    memcpy(r->policies[r->policy_count].sha256, sha256.p, GR_SHA256_HEX);
    r->policies[r->policy_count].sha256[GR_SHA256_HEX] = '\0';
    err = load_policy(r->folder, r->policies[r->policy_count].sha256, &r->policies[r->policy_count].policy,
                      &why);
    if (why)
        put(l, why, gr_str(r->policies[r->policy_count].sha256));
    *name = r->policies[r->policy_count].sha256;
    *out = r->policies[r->policy_count++].policy;
    return err;
}

/* ---- one decision ---- */

/* "rollback(rollback) page(page)?": kinds, actions, and how. */
static void
put_effects(struct gr_buf *b, const struct gr_node *out)
{
    const struct gr_node *list = gr_node_get(out, "effects");

    gr_node_each (e, list) {
        gr_buf_printf(b, "%s" GR_FMT, e == list->first ? "" : ", ", GR_ARG(jread_str(e, "kind")));
        if (jread_str(e, "action").n)
            gr_buf_printf(b, " " GR_FMT, GR_ARG(jread_str(e, "action")));
        if (!gr_str_is(jread_str(e, "how"), "do"))
            gr_buf_printf(b, " (" GR_FMT ")", GR_ARG(jread_str(e, "how")));
        if (jread_bool(e, "recheck"))
            gr_buf_puts(b, " (recheck)");
    }
    if (!list || list->count == 0)
        gr_buf_puts(b, "none");
}

static void
put_difference(struct line *l, const char *what, struct gr_str recorded, struct gr_str replayed)
{
    gr_buf_printf(l->report, "%s: record %" PRId64 ": %s: recorded ", l->name, l->seq, what);
    gr_quote_log(l->report, recorded);
    gr_buf_puts(l->report, ", replayed ");
    gr_quote_log(l->report, replayed);
    gr_buf_putc(l->report, '\n');
}

static bool
compare_texts(struct line *l, const char *member, const struct gr_node *was, const struct gr_node *is)
{
    if (gr_str_eq(jread_str(was, member), jread_str(is, member)))
        return true;
    put_difference(l, member, jread_str(was, member), jread_str(is, member));
    return false;
}

static bool
compare_effects(struct line *l, const struct gr_node *was, const struct gr_node *is)
{
    struct gr_buf a = GR_BUF_INIT(1u << 20), b = GR_BUF_INIT(1u << 20);
    const struct gr_node *x = gr_node_get(was, "effects"), *y = gr_node_get(is, "effects");
    bool same;

    put_effects(&a, was);
    put_effects(&b, is);
    if (!(same = gr_str_eq(gr_buf_str(&a), gr_buf_str(&b))))
        put_difference(l, "effects", gr_buf_str(&a), gr_buf_str(&b));
    gr_buf_fini(&a);
    gr_buf_fini(&b);
    x = same && x ? x->first : NULL;
    y = same && y ? y->first : NULL;
    for (; x && y; x = x->next, y = y->next) {
        same &= compare_texts(l, "key", x, y);
        same &= compare_texts(l, "reason", x, y);
    }
    return same;
}

/* Says where two texts of a decision part. */
static enum gr_err
explain(struct line *l, const struct gr_node *recorded, struct gr_str replayed)
{
    static const char *const members[] = {"outcome", "reason", "stale", "text"};
    const struct gr_node *root = NULL, *was, *is;
    bool same;
    enum gr_err err;

    if ((err = jread(l->arena, replayed, &root)) != GR_OK)
        return err == GR_EUSER ? GR_EIO : err; /* we printed it */
    was = gr_node_get(recorded, "out");
    is = gr_node_get(root, "out");
    same = compare_effects(l, was, is);
    for (size_t i = 0; i < GR_COUNT(members); i++)
        same &= compare_texts(l, members[i], was, is);
    if (same)
        put(l, "the decision is written otherwise than guardraild writes it, or its episode is another",
            GR_STR(""));
    return GR_OK;
}

static enum gr_err
replay_decision(struct line *l, const struct gr_node *node, struct gr_str recorded)
{
    struct decision *d = gr_arena_alloc(l->arena, sizeof *d);
    struct gr_buf text = GR_BUF_INIT(AUDIT_RECORD_BYTES_MAX);
    const struct policy *policy = NULL;
    struct decide_input in;
    const char *why = NULL, *sha256 = NULL;
    enum gr_err err;

    if (!d)
        return GR_ENOMEM;
    if ((err = policy_for(l, decide_json_policy(node), &policy, &sha256)) != GR_OK)
        return err;
    l->r->different++; /* until it is the same */
    if (!policy)
        return GR_OK;
    if ((err = decide_json_read(l->arena, node, policy, &in, &why)) == GR_EUSER) {
        put(l, why, GR_STR(""));
        return GR_OK;
    }
    if (err != GR_OK || (err = decide(&in, l->arena, d)) != GR_OK)
        return err;
    decide_json_print(&text, &in, sha256, d);
    if ((err = gr_buf_err(&text)) == GR_OK) {
        if (gr_str_eq(gr_buf_str(&text), recorded))
            l->r->different--;
        else
            err = explain(l, node, gr_buf_str(&text));
    }
    gr_buf_fini(&text);
    return err;
}

static enum gr_err
replay_line(struct line *l, struct gr_str text)
{
    const struct gr_node *root = NULL, *record, *decision;
    enum gr_err err = jread(l->arena, text, &root);

    record = gr_node_get(root, "record");
    l->seq = jread_i64(record, "seq", l->seq + 1);
    if (err == GR_EUSER || (err == GR_OK && !record)) {
        put(l, "this is no record of an audit log", GR_STR(""));
        l->r->different++;
        return GR_OK;
    }
    if (err != GR_OK)
        return err;
    l->r->records++;
    if (!gr_str_is(jread_str(record, "event"), "decision"))
        return GR_OK;
    l->r->decisions++;
    decision = gr_node_get(record, "decision");
    if (!decision || decision->kind != GR_NODE_MAP) {
        put(l, "it lacks its decision", GR_STR(""));
        l->r->different++;
        return GR_OK;
    }
    return replay_decision(l, decision, gr_str_sub(text, decision->span.start, decision->span.end));
}

enum gr_err
replay_text(struct replay *r, const char *name, struct gr_str text, struct gr_buf *report)
{
    struct line l = {.r = r, .name = name, .report = report};
    struct gr_str rest = text, line;
    enum gr_err err = GR_OK;

    while (err == GR_OK && rest.n > 0 && gr_str_next(&rest, '\n', &line)) {
        if (line.n == 0)
            continue;
        if (!(l.arena = gr_arena_create(ARENA_BYTES_MAX)))
            return GR_ENOMEM;
        err = replay_line(&l, line);
        gr_arena_free(l.arena);
    }
    return err == GR_OK ? gr_buf_err(report) : err;
}

void
replay_fini(struct replay *r)
{
    for (size_t i = 0; i < r->policy_count; i++)
        policy_free(r->policies[i].policy);
    r->policy_count = 0;
}
