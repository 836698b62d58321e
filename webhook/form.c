#include "config.h"
#include "form.h"

static int
digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum gr_err
decode(struct gr_arena *a, struct gr_str s, struct gr_str *out)
{
    char *p = gr_arena_alloc(a, s.n + 1);
    size_t n = 0;

    if (!p)
        return GR_ENOMEM;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] == '+' ? ' ' : s.p[i];

        if (c == '%') {
            int high = i + 2 < s.n ? digit(s.p[i + 1]) : -1, low = i + 2 < s.n ? digit(s.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return GR_ESYNTAX;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0')
            return GR_ESYNTAX;
        p[n++] = c;
    }
    p[n] = '\0';
    *out = (struct gr_str){p, n};
    return gr_str_is_utf8(*out) ? GR_OK : GR_ESYNTAX;
}

enum gr_err
form_field(struct gr_arena *a, struct gr_str body, const char *name, struct gr_str *out)
{
    struct gr_str pair, key, value = GR_STR("");
    size_t fields = 0, found = 0;
    enum gr_err err;

    while (gr_str_next(&body, '&', &pair)) {
        size_t at = gr_str_find(pair, GR_STR("="), 0);

        if (++fields > FORM_FIELDS_MAX)
            return GR_ESYNTAX;
        if ((err = decode(a, gr_str_sub(pair, 0, at == SIZE_MAX ? pair.n : at), &key)) != GR_OK)
            return err;
        if (!gr_str_is(key, name))
            continue;
        if (++found > 1)
            return GR_ESYNTAX;
        if ((err = decode(a, gr_str_sub(pair, at == SIZE_MAX ? pair.n : at + 1, pair.n), &value)) != GR_OK)
            return err;
    }
    *out = value;
    return GR_OK;
}

enum gr_err
form_line(struct gr_arena *a, struct gr_str text, struct gr_str *out)
{
    char *p = gr_arena_alloc(a, text.n + 1);
    size_t n = 0;

    if (!p)
        return GR_ENOMEM;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
            continue;
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
            return GR_ESYNTAX;
        p[n++] = c < 0x20 ? ' ' : (char)c;
    }
    p[n] = '\0';
    *out = gr_str_trim((struct gr_str){p, n});
    return GR_OK;
}
