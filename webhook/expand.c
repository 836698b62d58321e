#include "config.h"
#include "expand.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 10000u /* the pattern is linear: 128 characters need far less */
#define DEPTH_LIMIT 1000u
#define HEAP_LIMIT_KIB 1024u

/* DOLLAR_ENDONLY: without it "$" would let a trailing newline through. Compiled anew each time: that costs microseconds on a
 * path that starts programs, and leaves no state behind. */
bool
expand_value_ok(struct gr_str s)
{
    static const char pattern[] = GR_POLICY_VALUE_PATTERN;
    pcre2_match_context *context = NULL;
    pcre2_match_data *data = NULL;
    pcre2_code *code = NULL;
    PCRE2_SIZE offset;
    bool ok = false;
    int error;

    if (s.n == 0)
        return false;
    code = pcre2_compile((PCRE2_SPTR)pattern, sizeof pattern - 1,
                         PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
    if (!code || !(data = pcre2_match_data_create_from_pattern(code, NULL)) ||
        !(context = pcre2_match_context_create(NULL)))
        goto done;
    (void)pcre2_set_match_limit(context, MATCH_LIMIT); /* these three always return 0 */
    (void)pcre2_set_depth_limit(context, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    ok = pcre2_match(code, (PCRE2_SPTR)s.p, s.n, 0, 0, data, context) > 0;
done:
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return ok;
}

static bool
is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* The length of the placeholder that begins at s.p[at], braces included; 0 if none does. */
static size_t
placeholder_at(struct gr_str s, size_t at)
{
    size_t end = at + 1;

    if (s.p[at] != '{')
        return 0;
    while (end < s.n && is_name_byte(s.p[end], end == at + 1))
        end++;
    return end > at + 1 && end < s.n && s.p[end] == '}' ? end + 1 - at : 0;
}

bool
expand_next(struct gr_str text, size_t *at, struct gr_str *name)
{
    for (size_t i = *at; i < text.n; i++) {
        size_t n = placeholder_at(text, i);

        if (n > 0) {
            *name = gr_str_sub(text, i + 1, i + n - 1);
            *at = i + n;
            return true;
        }
    }
    *at = text.n;
    return false;
}

static struct gr_str
value_of(const struct expand_values *values, struct gr_str name)
{
    if (gr_str_is(name, GR_LABEL_DEPLOYMENT))
        return values->deployment_id;
    if (gr_str_is(name, GR_LABEL_SPEC))
        return values->spec;
    if (gr_str_is(name, GR_LABEL_PHASE))
        return values->phase;
    if (gr_str_is(name, GR_LABEL_GUARDRAIL))
        return values->guardrail;
    return labels_get(values->stream, name);
}

static enum gr_err
expand_into(struct gr_buf *b, struct gr_str text, const struct expand_values *values, struct gr_str *bad)
{
    size_t at = 0, from = 0;
    struct gr_str name;

    while (expand_next(text, &at, &name)) {
        bool share = gr_str_is(name, EXPAND_TRAFFIC_SHARE) && values->traffic_share.n > 0;
        struct gr_str value = share ? values->traffic_share : value_of(values, name);

        if (!share && !expand_value_ok(value)) {
            if (bad)
                *bad = name;
            return GR_ERANGE;
        }
        gr_buf_put(b, gr_str_sub(text, from, at - name.n - 2));
        gr_buf_put(b, value);
        from = at;
    }
    gr_buf_put(b, gr_str_sub(text, from, text.n));
    return gr_buf_err(b);
}

enum gr_err
expand_text(struct gr_arena *a, struct gr_str text, const struct expand_values *values, struct gr_str *out,
            struct gr_str *bad)
{
    struct gr_buf b = GR_BUF_INIT(EXPAND_ARG_BYTES_MAX);
    struct gr_str copy;
    enum gr_err err = expand_into(&b, text, values, bad);

    if (err == GR_OK) {
        copy = gr_arena_dup(a, gr_buf_str(&b));
        if (copy.p)
            *out = copy;
        else
            err = GR_ENOMEM;
    }
    gr_buf_fini(&b);
    return err;
}

enum gr_err
expand_argv(struct gr_arena *a, const struct policy_argv *argv, const struct expand_values *values,
            struct policy_argv *out, struct gr_str *bad)
{
    struct gr_str *args = gr_arena_array(a, argv->count, sizeof *args);
    enum gr_err err = args ? GR_OK : GR_ENOMEM;

    GR_ASSERT(argv->count > 0);
    if (err == GR_OK)
        args[0] = argv->args[0];
    for (size_t i = 1; err == GR_OK && i < argv->count; i++)
        err = expand_text(a, argv->args[i], values, &args[i], bad);
    if (err == GR_OK)
        *out = (struct policy_argv){args, argv->count};
    return err;
}
