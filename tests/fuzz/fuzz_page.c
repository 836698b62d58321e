/* fuzz_page.c - any bytes as what a browser sends to the status page: names in a path, acknowledgement links, the body of their form; and as
 * the texts of others that a page shows. The handlers run as they do in the daemon, on a store with a release, a breach and its page.
 *
 * The first four bytes say which page is asked for, how the link is changed, by what, and flags; the rest is the text. What holds for
 * every input: the answer is one of a few, and a page in which each tag is one of ours, closed in its order, with quoted attributes and
 * links to ourselves alone; a link that was changed opens nothing; nothing but a form that came with the right link takes a page, once, and
 * what it leaves in the store is one line of text each. */
#include "config.h"
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardrail/file.h"
#include "tests/unit/webhook/breach.h"
#include "webhook/board.h"
#include "webhook/form.h"
#include "webhook/link.h"
#include "webhook/metrics.h"
#include "webhook/page.h"

#define CONTROL_BYTES 4u
#define HOST "guardraild.example.org"
#define ORIGIN "https://" HOST
#define STORED_BYTES_MAX 200u /* of a text that is shown; what lets it in keeps it shorter than its place */

enum { OTHER_HOST = 1, STORED = 2 };
enum change { RIGHT, CHANGED, CUT, RAW, CHANGES };

/* Made once, kept for the whole run. */
static struct {
    char folder[32];
    struct conf conf;
    struct policies policies;
    struct app app;
    char token[LINK_TOKEN_CHARS + 1];
} world;

/* ---- the world ---- */

static struct policy *
read_policy(void)
{
    const char *srcdir = getenv("GR_SRCDIR");
    struct gr_buf text = GR_BUF_INIT(GR_POLICY_BYTES_MAX), path = GR_BUF_INIT(4096);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct policy *p = NULL;

    gr_buf_printf(&path, "%s/tests/unit/webhook/policy.json", srcdir ? srcdir : "..");
    GR_ASSERT(gr_file_read(gr_buf_cstr(&path), &text) == GR_OK);
    GR_ASSERT(d && policy_parse(GR_STR("policy.json"), gr_buf_str(&text), sources, d, &p) == GR_OK);
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_buf_fini(&text);
    gr_buf_fini(&path);
    return p;
}

static void
have_breach(void)
{
    struct breach_release release = {&world.policies, "equities", "d1", "a new model", app_now_ms()};
    struct gr_buf body = GR_BUF_INIT(4096);

    GR_ASSERT(store_call(world.app.store, breach_start, &release) == GR_OK);
    breach_print(&body, "firing", "hard", "d1", "equities");
    GR_ASSERT(breach_post(&world.app, gr_buf_str(&body), app_now_ms()) == GR_OK);
    (void)breach_link(&world.app, world.token);
    gr_buf_fini(&body);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void
end_world(void)
{
    store_close(world.app.store);
    board_free(world.app.board);
    policies_fini(&world.policies);
    metrics_free(world.app.metrics);
    (void)nftw(world.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
write_key(void)
{
    static const char key[] = "0123456789abcdef0123456789abcdef\n";
    struct gr_buf path = GR_BUF_INIT(100);
    int fd;

    gr_buf_printf(&path, "%s/ack.key", world.folder);
    fd = open(gr_buf_cstr(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    GR_ASSERT(fd >= 0 && write(fd, key, sizeof key - 1) == (ssize_t)sizeof key - 1 && close(fd) == 0);
    gr_buf_fini(&path);
}

static void
make_world(void)
{
    struct gr_buf path = GR_BUF_INIT(100);

    memcpy(world.folder, "fuzz_page.XXXXXX", sizeof "fuzz_page.XXXXXX");
    GR_ASSERT(mkdtemp(world.folder));
    write_key();
    world.conf.mode = MODE_AUTO;
    world.conf.breaker = CONF_BREAKER_DEFAULT;
    world.conf.reports_dir = world.conf.secrets_dir = gr_str(world.folder);
    world.conf.public_url = GR_STR(ORIGIN);
    world.conf.ack_key_file = GR_STR("ack.key");
    world.app.conf = &world.conf;
    world.app.metrics = metrics_create();
    world.app.started_ms = app_now_ms();
    watchdog_init(&world.app.watchdog, app_boot_ms(), false);
    gr_buf_printf(&path, "%s/store.db", world.folder);
    GR_ASSERT(world.app.metrics && board_create(world.app.metrics, &world.app.board) == GR_OK);
    GR_ASSERT(store_open(&world.app.store,
                         &(struct store_options){.path = gr_buf_cstr(&path), .busy_timeout_ms = 50},
                         NULL) == GR_OK);
    GR_ASSERT(store_start(world.app.store) == GR_OK);
    GR_ASSERT(policies_load(&world.policies, read_policy(), world.app.store, 1, NULL) == GR_OK);
    world.app.policies = &world.policies;
    have_breach();
    GR_ASSERT(atexit(end_world) == 0);
    gr_buf_fini(&path);
}

/* ---- the store before and after ---- */

/* The texts of others, in every place that a page draws. Their places are shorter than what is allowed in. */
static enum gr_err
run_show(struct db *db, void *arg)
{
    static const char *const sql[] = {
        "UPDATE release SET reason = ?1, started_by = ?1, held = 1, hold_by = ?1, hold_reason = ?1, "
        "promotion_hold = ?1, halt_reason = ?1",
        "UPDATE phase SET approver = ?1, note = ?1",
        "UPDATE episode SET slice = ?1, acked_by = ?1, acked = number",
        "UPDATE effect SET reason = ?1, last_error = ?1, attempts = 1, action = ?1, state = CASE id % 2 WHEN "
        "0 THEN 'dead' ELSE 'ready' END"
        " WHERE state <> 'observed'",
    };
    const struct gr_str *text = arg;
    enum gr_err err = GR_OK;

    for (size_t i = 0; err == GR_OK && i < GR_COUNT(sql); i++) {
        sqlite3_stmt *st = db_use(db, sql[i]);

        db_bind_str(db, st, 1, *text);
        err = db_run(db, st);
    }
    return err;
}

struct taken {
    int64_t pages, links;
    char by[RELEASE_WHO_BYTES * 4], reason[RELEASE_WHY_BYTES * 4];
};
static void
keep(char *out, size_t size, struct gr_str text)
{
    GR_ASSERT(text.n < size);
    if (text.n > 0)
        memcpy(out, text.p, text.n);
    out[text.n] = '\0';
}

static enum gr_err
run_taken(struct db *db, void *arg)
{
    sqlite3_stmt *st = db_use(db, "SELECT count(*), coalesce(max(used_by), ''), coalesce(max(reason), ''),"
                                  " (SELECT count(*) FROM effect WHERE acked_ms IS NOT NULL) FROM link");
    struct taken *t = arg;
    enum gr_err err;
    bool row;

    if ((err = db_step(db, st, &row)) == GR_OK && row) {
        t->links = db_i64(st, 0);
        keep(t->by, sizeof t->by, db_text(st, 1));
        keep(t->reason, sizeof t->reason, db_text(st, 2));
        t->pages = db_i64(st, 3);
    }
    db_end(st);
    return err;
}

static enum gr_err
run_untake(struct db *db, void *arg)
{
    enum gr_err err = db_run(db, db_use(db, "UPDATE effect SET acked_ms = NULL, acked_by = NULL"));

    (void)arg;
    return err == GR_OK ? db_run(db, db_use(db, "DELETE FROM link")) : err;
}

/* ---- what is markup ---- */

static const char *const void_tags[] = {"br", "input", "line", "meta", "rect", NULL};
static const char *const tags[] = {
    "a",        "body", "button",  "caption", "code",   "dd",    "div",   "dl",    "dt",    "form",
    "h1",       "h2",   "h3",      "head",    "header", "html",  "label", "li",    "main",  "nav",
    "ol",       "p",    "section", "span",    "strong", "style", "svg",   "table", "tbody", "td",
    "textarea", "th",   "thead",   "time",    "title",  "tr",    "ul",    NULL};
static const char *const attributes[] = {"action",
                                         "aria-current",
                                         "aria-hidden",
                                         "aria-label",
                                         "aria-labelledby",
                                         "autocomplete",
                                         "charset",
                                         "class",
                                         "content",
                                         "datetime",
                                         "focusable",
                                         "for",
                                         "height",
                                         "href",
                                         "http-equiv",
                                         "id",
                                         "lang",
                                         "maxlength",
                                         "method",
                                         "name",
                                         "preserveAspectRatio",
                                         "rel",
                                         "required",
                                         "role",
                                         "rows",
                                         "scope",
                                         "tabindex",
                                         "type",
                                         "value",
                                         "viewBox",
                                         "width",
                                         "x",
                                         "x1",
                                         "x2",
                                         "y",
                                         "y1",
                                         "y2",
                                         NULL};

static bool
among(const char *const *list, struct gr_str word)
{
    for (; *list; list++)
        if (gr_str_is(word, *list))
            return true;
    return false;
}

static struct gr_str
word_at(const char **p, const char *end, const char *chars)
{
    const char *from = *p;

    while (*p < end && **p && strchr(chars, **p))
        (*p)++;
    return (struct gr_str){from, (size_t)(*p - from)};
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME LETTERS "0123456789-"

/* Text, in a page or an attribute: no markup, and each & is one of our escapes. */
static void
check_text(struct gr_str s)
{
    static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#13;", NULL};

    GR_ASSERT(gr_str_is_utf8(s));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool known = c != '&';

        GR_ASSERT(c != '<' && c != '>' && (c >= ' ' || c == '\n' || c == '\t') && c != 0x7f);
        for (size_t k = 0; escapes[k] && !known; k++)
            known = gr_str_starts(gr_str_sub(s, i, s.n), gr_str(escapes[k]));
        GR_ASSERT(known);
    }
}

/* To ourselves: a path of which every part is a name, or a place in the page. */
static void
check_address(struct gr_str at)
{
    GR_ASSERT(at.n > 0 && (at.p[0] == '/' || at.p[0] == '#') && (at.n < 2 || at.p[1] != '/'));
    for (size_t i = 1; i < at.n; i++)
        GR_ASSERT(at.p[i] != '\0' && strchr(NAME "/._", at.p[i]));
}

/* The attributes of a tag, from behind its name to behind its '>'. */
static const char *
check_attributes(const char *p, const char *end)
{
    for (;;) {
        struct gr_str name, value = GR_STR("");

        (void)word_at(&p, end, " ");
        if (p < end && *p == '/')
            p++;
        if (p < end && *p == '>')
            return p + 1;
        name = word_at(&p, end, NAME);
        GR_ASSERT(among(attributes, name));
        if (gr_str_is(name, "required"))
            continue;
        GR_ASSERT(end - p >= 2 && p[0] == '=' && p[1] == '"');
        value.p = p += 2;
        while (p < end && *p != '"')
            p++;
        GR_ASSERT(p < end);
        value.n = (size_t)(p++ - value.p);
        check_text(value);
        if (gr_str_is(name, "href") || gr_str_is(name, "action"))
            check_address(value);
    }
}

static void
check_page(struct gr_str page)
{
    struct gr_str open[32];
    size_t depth = 0;
    const char *p = page.p, *end = page.p + page.n;

    GR_ASSERT(gr_str_starts(page, GR_STR("<!DOCTYPE html>\n")) && gr_str_ends(page, GR_STR("</html>\n")));
    p += sizeof "<!DOCTYPE html>" - 1;
    while (p < end) {
        const char *from = p;
        struct gr_str name;
        bool closes;

        while (p < end && *p != '<')
            p++;
        if (depth == 0 || !gr_str_is(open[depth - 1], "style")) /* which is a constant of ours */
            check_text((struct gr_str){from, (size_t)(p - from)});
        if (p == end)
            break;
        closes = ++p < end && *p == '/';
        p += closes;
        name = word_at(&p, end, NAME);
        if (closes) {
            GR_ASSERT(depth > 0 && gr_str_eq(open[depth - 1], name) && p < end && *p == '>');
            depth--;
            p++;
            continue;
        }
        if (!among(void_tags, name)) {
            GR_ASSERT(among(tags, name) && depth < GR_COUNT(open));
            open[depth++] = name;
        }
        p = check_attributes(p, end);
    }
    GR_ASSERT(depth == 0);
}

/* ---- a visit ---- */

static const struct {
    const char *method, *path;
    bool link;
} views[] = {{"GET", "/", false},          {"GET", "/still", false}, {"GET", "/status/", false},
             {"GET", "/releases/", false}, {"GET", "/ack/", true},   {"POST", "/ack/", true}};

/* A name in a path, as the server cuts it: no '/' and no NUL, not too long. */
static void
put_name(struct gr_buf *b, struct gr_str text)
{
    for (size_t i = 0; i < text.n && i < RELEASE_ID_BYTES - 1; i++)
        if (text.p[i] != '/' && text.p[i] != '\0')
            gr_buf_putc(b, text.p[i]);
}

static void
put_token(struct gr_buf *b, enum change change, uint8_t by, struct gr_str text)
{
    size_t at = by % LINK_TOKEN_CHARS;
    char other = text.n > 0 && text.p[0] != '/' && text.p[0] != '\0' ? text.p[0] : '-';

    if (change == RAW) {
        put_name(b, text);
        return;
    }
    gr_buf_put(b, (struct gr_str){world.token, change == CUT ? at : LINK_TOKEN_CHARS});
    if (change == CHANGED)
        b->p[at] = other != b->p[at] ? other : '!';
}

static int
visit(size_t view, const struct gr_buf *path, struct gr_str host, struct gr_str body)
{
    struct request q = {.app = &world.app,
                        .out = GR_BUF_INIT(REQUEST_OUT_BYTES_MAX),
                        .body = GR_BUF_INIT(REQUEST_FORM_BYTES_MAX)};
    char allow[ROUTE_ALLOW_BYTES];

    if (route_find(views[view].method, gr_buf_cstr(path), q.id, sizeof q.id, &q.route, allow) != GR_OK)
        return 0;
    q.arena = gr_arena_create(64u << 20);
    GR_ASSERT(q.arena);
    if (host.n < sizeof q.host && !memchr(host.p, '\0', host.n))
        keep(q.host, sizeof q.host, host);
    gr_buf_put(&q.body, body);
    q.route->handle(&q);
    GR_ASSERT(gr_buf_err(&q.out) == GR_OK && q.csp[0] != '\0');
    GR_ASSERT(gr_str_is(gr_str(q.content_type), "text/html; charset=utf-8"));
    check_page(gr_buf_str(&q.out));
    gr_arena_free(q.arena);
    gr_buf_fini(&q.body);
    gr_buf_fini(&q.out);
    return q.status;
}

/* One line of text, not empty, as a person writes it. */
static void
check_line(const char *text, size_t size)
{
    struct gr_str s = gr_str(text);

    GR_ASSERT(s.n > 0 && s.n < size && gr_str_is_utf8(s) && gr_str_eq(gr_str_trim(s), s));
    for (size_t i = 0; i < s.n; i++)
        GR_ASSERT((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void
check_taken(const struct taken *t, bool took)
{
    GR_ASSERT(t->links == took && (t->pages > 0) == took);
    if (!took)
        return;
    check_line(t->by, RELEASE_WHO_BYTES);
    check_line(t->reason, RELEASE_WHY_BYTES);
    GR_ASSERT(strcmp(t->by, "guardraild") != 0);
}

/* What a browser makes of a text comes back as that text. */
static void
check_form(struct gr_str text)
{
    struct gr_arena *a = gr_arena_create(1u << 20);
    struct gr_buf form = GR_BUF_INIT(1u << 20);
    struct gr_str value, line, again;
    bool fine = gr_str_is_utf8(text) && (text.n == 0 || !memchr(text.p, '\0', text.n));

    GR_ASSERT(a);
    gr_buf_puts(&form, "by=x&reason=");
    gr_http_encode(&form, text);
    gr_buf_puts(&form, "&other=y");
    GR_ASSERT((form_field(a, gr_buf_str(&form), "reason", &value) == GR_OK) == fine);
    if (fine) {
        GR_ASSERT(gr_str_eq(value, text));
        if (form_line(a, value, &line) == GR_OK)
            GR_ASSERT(form_line(a, line, &again) == GR_OK && gr_str_eq(line, again));
    }
    gr_buf_fini(&form);
    gr_arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    struct gr_str text, host = GR_STR(HOST), shown;
    struct taken t = {.links = 0};
    enum change change;
    size_t view;
    int status;
    bool right;

    if (n < CONTROL_BYTES)
        return 0;
    if (!world.app.store)
        make_world();
    text = (struct gr_str){(const char *)data + CONTROL_BYTES, n - CONTROL_BYTES};
    view = data[0] % GR_COUNT(views);
    change = (enum change)(data[1] % CHANGES);
    shown = gr_str_sub(text, 0, STORED_BYTES_MAX);
    if (data[3] & STORED && shown.n > 0 && gr_str_is_utf8(shown) && !memchr(shown.p, '\0', shown.n))
        GR_ASSERT(store_call(world.app.store, run_show, &shown) == GR_OK);
    if (data[3] & OTHER_HOST)
        host = text;
    gr_buf_puts(&path, views[view].path);
    if (views[view].link)
        put_token(&path, change, data[2], text);
    else if (views[view].path[strlen(views[view].path) - 1] == '/' && view > 0)
        put_name(&path, text);
    status = visit(view, &path, host, text);
    GR_ASSERT(status == 0 || status == 200 || status == 400 || status == 403 || status == 404 ||
              status == 410 || status == 421);
    right = change == RIGHT && link_host_ok(GR_STR(ORIGIN), host);
    GR_ASSERT(!views[view].link || status != 200 || right);
    GR_ASSERT(store_call(world.app.store, run_taken, &t) == GR_OK);
    check_taken(&t, status == 200 && strcmp(views[view].method, "POST") == 0);
    if (t.links > 0) {
        GR_ASSERT(visit(view, &path, host, text) == 410);
        GR_ASSERT(store_call(world.app.store, run_untake, NULL) == GR_OK);
    }
    check_form(text);
    gr_buf_fini(&path);
    return 0;
}
