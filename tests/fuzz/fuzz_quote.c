/* fuzz_quote.c - any bytes through every quoting: what has a reader is read back, the rest holds no forbidden byte. */
#include "config.h"
#include "fuzz.h"

#include "../unit/base/tree.h"
#include "guardrail/quote.h"

/* text with each invalid byte replaced, as the forms do that carry only UTF-8. */
static void
repair(struct gr_buf *b, struct gr_str text)
{
    for (size_t at = 0, n; at < text.n; at += n) {
        for (n = 1; n <= 4 && n <= text.n - at; n++)
            if (gr_str_is_utf8(gr_str_sub(text, at, at + n)))
                break;
        if (n <= 4 && n <= text.n - at) {
            gr_buf_put(b, gr_str_sub(text, at, at + n));
        } else {
            n = 1;
            gr_buf_puts(b, "\xef\xbf\xbd");
        }
    }
}

/* Quotes text as an entry and as a key, and reads both back. */
static void
check_reader(struct gr_str text, void (*quote)(struct gr_buf *b, struct gr_str s), node_read_fn *read)
{
    struct gr_buf quoted = GR_BUF_INIT(1u << 20), doc = GR_BUF_INIT(4u << 20), want = GR_BUF_INIT(4u << 20);
    struct gr_buf got = GR_BUF_INIT(4u << 20), good = GR_BUF_INIT(1u << 20), json = GR_BUF_INIT(1u << 20);
    bool nul = text.n > 0 && memchr(text.p, 0, text.n) != NULL;
    enum gr_err err;

    repair(&good, text);
    gr_quote_json(&json, gr_buf_str(&good));
    quote(&quoted, text);
    GR_ASSERT(gr_str_is_utf8(gr_buf_str(&quoted)) && !memchr(quoted.p, '\n', quoted.n));
    gr_buf_printf(&doc, "[%s, {%s: %s}]", gr_buf_cstr(&quoted),
                  read == gr_json_read ? "\"k\"" : gr_buf_cstr(&quoted), gr_buf_cstr(&quoted));
    err = tree_read(&got, read, gr_buf_str(&doc), NULL, true);
    GR_ASSERT(err == (nul ? GR_EUSER : GR_OK));
    gr_buf_printf(&want, "[s%s, {%s: s%s}]", gr_buf_cstr(&json),
                  read == gr_json_read ? "\"k\"" : gr_buf_cstr(&json), gr_buf_cstr(&json));
    GR_ASSERT(nul || gr_str_eq(gr_buf_str(&got), gr_buf_str(&want)));
    gr_buf_fini(&quoted);
    gr_buf_fini(&doc);
    gr_buf_fini(&want);
    gr_buf_fini(&got);
    gr_buf_fini(&good);
    gr_buf_fini(&json);
}

static unsigned
hex(char c)
{
    GR_ASSERT((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Undoes \\ \" \n \t \xNN. */
static void
unescape(struct gr_buf *b, struct gr_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        GR_ASSERT((unsigned char)s.p[i] >= 0x20 && s.p[i] != '"');
        if (s.p[i] != '\\') {
            gr_buf_putc(b, s.p[i]);
            continue;
        }
        i++;
        GR_ASSERT(i < s.n && strchr("\\\"ntx", s.p[i]));
        if (s.p[i] == 'x') {
            GR_ASSERT(i + 2 < s.n);
            gr_buf_putc(b, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
            i += 2;
        } else
            gr_buf_putc(b, s.p[i] == 'n' ? '\n' : s.p[i] == 't' ? '\t' : s.p[i]);
    }
}

static void
check_promql(struct gr_str text)
{
    struct gr_buf quoted = GR_BUF_INIT(1u << 20), back = GR_BUF_INIT(1u << 20);

    gr_quote_promql(&quoted, text);
    GR_ASSERT(quoted.n >= 2 && quoted.p[0] == '"' && quoted.p[quoted.n - 1] == '"');
    GR_ASSERT(gr_str_is_utf8(gr_buf_str(&quoted)));
    unescape(&back, gr_str_sub(gr_buf_str(&quoted), 1, quoted.n - 1));
    GR_ASSERT(gr_str_eq(gr_buf_str(&back), text));
    gr_buf_fini(&quoted);
    gr_buf_fini(&back);
}

static void
check_regex(struct gr_str text)
{
    struct gr_buf quoted = GR_BUF_INIT(1u << 20);
    size_t at = 0;

    gr_quote_regex(&quoted, text);
    for (size_t i = 0; i < quoted.n; i++, at++) {
        bool meta = quoted.p[i] == '\\';

        i += meta ? 1 : 0;
        GR_ASSERT(i < quoted.n && at < text.n && quoted.p[i] == text.p[at]);
        GR_ASSERT(meta == (text.p[at] && strchr("\\.+*?()|[]{}^$", text.p[at])));
    }
    GR_ASSERT(at == text.n);
    gr_buf_fini(&quoted);
}

/* UTF-8 without any byte of `never`; controls only if allowed. */
static void
check_bytes(struct gr_str text, void (*quote)(struct gr_buf *b, struct gr_str s), const char *never,
            bool controls)
{
    struct gr_buf quoted = GR_BUF_INIT(1u << 20);

    quote(&quoted, text);
    GR_ASSERT(gr_buf_err(&quoted) == GR_OK && gr_str_is_utf8(gr_buf_str(&quoted)));
    GR_ASSERT(text.n == 0 || quoted.n > 0);
    for (size_t i = 0; i < quoted.n; i++) {
        GR_ASSERT(quoted.p[i] && !strchr(never, quoted.p[i]));
        GR_ASSERT(controls || ((unsigned char)quoted.p[i] >= 0x20 && quoted.p[i] != 0x7f));
    }
    gr_buf_fini(&quoted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_str text = {(const char *)data, n};

    if (n > 160)
        return 0; /* 6 × 160 < 1024 characters: YAML wants longer keys to be written with a question mark */
    check_reader(text, gr_quote_json, gr_json_read);
    check_reader(text, gr_quote_yaml, gr_yaml_read);
    check_promql(text);
    check_regex(text);
    check_bytes(text, gr_quote_log, "", false);
    check_bytes(text, gr_quote_slack, "<>`", false);
    check_bytes(text, gr_quote_html, "<>\"'\r", true);
    check_bytes(text, gr_quote_exposition, "\n", true);
    check_bytes(text, gr_quote_lines, "\x1b\r\t\x7f", true);
    check_bytes(text, gr_quote_github, "\r\n", true);
    check_bytes(text, gr_quote_github_property, ":,\r\n", true);
    check_bytes(text, gr_quote_uri, " \"<>\\^`{|}?#", false);
    return 0;
}
