/* page_style.c - the frame of every page: headers, style, beginning and end, and pages that say what is wrong.
 *
 * The style stands in the page and is allowed by its hash: nothing else is loaded, and there are no style attributes. Colours are told
 * apart by lightness too, and each contrast with its ground is at least 4.5 to 1 (WCAG 2.2, 1.4.3), in both schemes. */
#include "config.h"
#include "page_parts.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>

/* clang-format off */
static const char style[] =
    ":root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#16191d;--soft:#4d5661;--line:#cfd5dc;--link:#0b57b0;"
    "--bad:#a3121a;--bad-bg:#fde3e3;--warn:#7a4100;--warn-bg:#fdeed3;--good:#0c5f2c;--good-bg:#ddf3e3;"
    "--calm:#123f7a;--calm-bg:#e0ebfa;--unknown:#4a4f57;--unknown-bg:#e6e8ec;--bar:#3b6fb5;--bar-done:#7d8a99;--track:#dde2e8;--mark:#16191d}"
    "@media(prefers-color-scheme:dark){:root{--ground:#0f1216;--card:#181c22;--ink:#e8ebef;--soft:#a9b3be;--line:#38404a;--link:#8ebbff;"
    "--bad:#ffb3b0;--bad-bg:#4a1215;--warn:#ffd08a;--warn-bg:#432c06;--good:#9fe2b4;--good-bg:#0f3a20;"
    "--calm:#b3d1ff;--calm-bg:#14305a;--unknown:#c3cad2;--unknown-bg:#323941;--bar:#6ea0ea;--bar-done:#76818d;--track:#2b323a;--mark:#fff}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--ground);color:var(--ink);"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.15rem;margin:1.6rem 0 .6rem}h3{font-size:1.1rem;margin:0}h4{font-size:1rem;margin:1rem 0 .3rem}"
    "p{margin:.3rem 0}a{color:var(--link)}a:focus-visible,.scroll:focus-visible,button:focus-visible,input:focus-visible,textarea:focus-visible"
    "{outline:3px solid var(--link);outline-offset:2px}"
    ".soft{color:var(--soft)}.card{background:var(--card);border:1px solid var(--line);border-left-width:.5rem;border-radius:.4rem;padding:.8rem 1rem;margin:0 0 1rem}"
    ".card.bad{border-left-color:var(--bad)}.card.warn{border-left-color:var(--warn)}.card.good{border-left-color:var(--good)}"
    ".card.calm{border-left-color:var(--calm)}.card.unknown{border-left-color:var(--unknown)}"
    ".title{display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:baseline}"
    ".chip{display:inline-block;padding:.05rem .5rem;border-radius:.3rem;border:1px solid currentColor;font-weight:600;font-size:.9rem;margin:.1rem .2rem .1rem 0;unicode-bidi:isolate;max-width:100%}table .chip{width:max-content;max-width:16rem}.place{display:none}.card h2{margin:0}h1{margin-bottom:.5rem}"
    ".chip.bad{color:var(--bad);background:var(--bad-bg)}.chip.warn{color:var(--warn);background:var(--warn-bg)}"
    ".chip.good{color:var(--good);background:var(--good-bg)}.chip.calm{color:var(--calm);background:var(--calm-bg)}"
    ".chip.unknown{color:var(--unknown);background:var(--unknown-bg);border-style:dashed}"
    "ul.plain,ol.phases{list-style:none;margin:.4rem 0;padding:0}ul.plain>li{margin:.35rem 0}"
    "ol.phases{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);gap:.7rem}"
    ".phases>li{font-size:.9rem;line-height:1.35}.phases>li.now{font-weight:600}.phases .soft{font-weight:400}"
    ".bar{display:block;width:100%;height:1rem;margin:.2rem 0}"
    ".track{fill:var(--track)}.elapsed{fill:var(--bar)}.done .elapsed{fill:var(--bar-done)}.more{fill:none;stroke:var(--warn);stroke-width:2;stroke-dasharray:4 3}"
    ".least{stroke:var(--ink);stroke-width:2}.mark{stroke:var(--mark);stroke-width:4}.bar *{vector-effect:non-scaling-stroke}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}"
    "caption{text-align:left;color:var(--soft);padding:.2rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line);unicode-bidi:isolate;overflow-wrap:break-word;max-width:18rem}"
    "thead th{border-top:0;color:var(--soft);font-weight:600}tbody th{font-weight:600;min-width:8rem}td.wide{min-width:15rem;max-width:none;overflow-wrap:anywhere}"
    "code{font:.9em/1.4 ui-monospace,'DejaVu Sans Mono',monospace}td.num,th.num{white-space:nowrap}"
    "nav{margin:.6rem 0}nav a,nav span{margin-right:1rem}"
    "label{display:block;font-weight:600;margin:.8rem 0 .2rem}input,textarea{width:100%;max-width:40rem;font:inherit;padding:.5rem;color:inherit;background:var(--card);"
    "border:1px solid var(--soft);border-radius:.3rem}button{font:inherit;font-weight:600;margin-top:1rem;padding:.6rem 1.2rem;border:0;border-radius:.3rem;"
    "background:var(--link);color:var(--card)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.4rem 0}dt{color:var(--soft)}dd{margin:0}"
    "@media(max-width:44rem){.list,.list tbody,.list caption{display:block}.list thead{display:none}.list tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}"
    ".list th,.list td{display:inline-block;border:0;padding:0 .7rem .1rem 0;min-width:0;max-width:100%;vertical-align:baseline;overflow-wrap:anywhere}.list td.wide,.list tbody th.lead{display:block;min-width:0}.list td:empty{display:none}.place{display:inline;font-weight:600}"
    "body{padding:.6rem}ol.phases{grid-auto-flow:row;gap:.5rem}dl{grid-template-columns:1fr}dd{margin:0 0 .4rem}}"
    "@media print{body{background:#fff;color:#000}}";
/* clang-format on */

/* 'sha256-…' of the style, or 'none': then the page is plain, and readable all the same. */
static void
put_style_source(char *out, size_t size)
{
    unsigned char digest[32];
    gnutls_datum_t in = {digest, sizeof digest}, text = {NULL, 0};

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, style, sizeof style - 1, digest) == 0 &&
        gnutls_base64_encode2(&in, &text) == 0)
        (void)snprintf(out, size, "'sha256-%.*s'", (int)text.size, (const char *)text.data);
    else
        (void)snprintf(out, size, "'none'");
    gnutls_free(text.data);
}

void
page_begin(struct request *q, int status, const struct page_head *head)
{
    struct gr_buf *b = &q->out;
    char source[80];

    request_answer(q, status);
    q->content_type = "text/html; charset=utf-8";
    put_style_source(source, sizeof source);
    (void)snprintf(
        q->csp, sizeof q->csp,
        "default-src 'none'; style-src %s; form-action %s; base-uri 'none'; frame-ancestors 'none'", source,
        head->form ? "'self'" : "'none'");
    html_put(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (head->refresh_s > 0)
        html_put(b, "<meta http-equiv=\"refresh\" content=\"%d\">\n", head->refresh_s);
    html_put(b, "<title>%s</title>\n<style>", head->title);
    gr_buf_puts(b, style); /* ours, as it stands: its hash is in the header */
    html_put(b, "</style>\n</head>\n<body>\n");
}

void
page_end(struct request *q)
{
    html_put(&q->out, "</body>\n</html>\n");
}

/* What a person can do about it; the text says what is wrong. */
static const struct {
    int status;
    const char *title, *advice;
} errors[] = {
    {400, "The request is malformed", NULL},
    {401, "Sign in", "The browser asks for it: any name, and the read token as the password."},
    {403, "Not allowed", NULL},
    {404, "Not found", "It may have been misspelt, or belong to another guardraild."},
    {409, "Not possible now", NULL},
    {410, "This link cannot be used any more", NULL},
    {413, "Too long", NULL},
    {421, "Wrong address", NULL},
    {503, "guardraild cannot answer now", "This page tries again by itself."},
};

void
page_error(struct request *q, int status, const char *text)
{
    const char *title = "Something is wrong", *advice = NULL;

    for (size_t i = 0; i < GR_COUNT(errors); i++)
        if (errors[i].status == status) {
            title = errors[i].title;
            advice = errors[i].advice;
        }
    page_begin(q, status,
               &(struct page_head){
                   .title = title,
                   .refresh_s = status == 503 && strcmp(q->route->method, "GET") == 0 ? PAGE_REFRESH_S : 0});
    html_put(&q->out, "<main>\n<h1>%s</h1>\n<p><span class=\"chip bad\">✕ %d</span> %s</p>\n", title, status,
             text);
    if (advice)
        html_put(&q->out, "<p>%s</p>\n", advice);
    html_put(&q->out, "<p><a href=\"/\">Status</a></p>\n</main>\n");
    page_end(q);
}
