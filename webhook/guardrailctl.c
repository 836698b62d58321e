/* guardrailctl: the operator's hand on guardraild, over its unix socket or HTTP. */
#include "config.h"

#include <curl/curl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"
#include "ctl_table.h"
#include "guardrail/duration.h"
#include "guardrail/number.h"
#include "jread.h"
#include "jw.h"

#define WATCH_S 2
#define STATUS_RELEASES 10u /* whose verdicts stand in the status */
#define NEAR_MAX 200u

static enum ctl_exit
print_usage(void)
{
    struct gr_buf b = GR_BUF_INIT(16384);
    bool ok;

    ctl_usage(&b);
    ok = gr_buf_err(&b) == GR_OK && fputs(b.p, stdout) >= 0 && fflush(stdout) == 0;
    gr_buf_fini(&b);
    return ok ? CTL_OK : CTL_MACHINE;
}

static enum ctl_exit
misuse(const char *fmt, const char *a, const char *b)
{
    (void)fputs("guardrailctl: ", stderr);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)fprintf(stderr, fmt, a, b); /* fmt is a literal at every call */
#pragma GCC diagnostic pop
    (void)fputs("\nTry guardrailctl --help.\n", stderr);
    return CTL_USAGE;
}

/* ---- the command line ---- */

static enum ctl_exit
unknown(struct gr_str word, struct gr_str group)
{
    struct gr_str names[64], near;

    size_t n = 0;

    GR_ASSERT(ctl_verb_count <= GR_COUNT(names));
    for (size_t i = 0; i < ctl_verb_count; i++) {
        if (group.n ? gr_str_eq(ctl_verbs[i].group, group) : ctl_verbs[i].group.n == 0)
            names[n++] = ctl_verbs[i].name;
        else if (!group.n)
            names[n++] = ctl_verbs[i].group;
    }
    near = gr_str_nearest(word, names, n);
    (void)fprintf(
        stderr, "guardrailctl: unknown command \"%s%s" GR_FMT "\"%s" GR_FMT "%s\nTry guardrailctl --help.\n",
        group.n ? group.p : "", group.n ? " " : "", GR_ARG(word), near.n ? "; did you mean \"" : "",
        GR_ARG(near), near.n ? "\"?" : "");
    return CTL_USAGE;
}

/* Finds the verb at argv[*at] and moves *at behind it. */
static const struct ctl_verb *
find_verb(int argc, char **argv, int *at, enum ctl_exit *status)
{
    struct gr_str first, second;
    bool group = false;

    if (*at >= argc) {
        *status = misuse("a command is missing%s%s", "", "");
        return NULL;
    }
    first = gr_str(argv[(*at)++]);
    for (size_t i = 0; i < ctl_verb_count; i++) {
        if (ctl_verbs[i].group.n == 0 && gr_str_eq(ctl_verbs[i].name, first))
            return &ctl_verbs[i];
        group |= ctl_verbs[i].group.n > 0 && gr_str_eq(ctl_verbs[i].group, first);
    }
    if (!group) {
        *status = unknown(first, GR_STR_NONE);
        return NULL;
    }
    second = *at < argc ? gr_str(argv[(*at)++]) : GR_STR("");
    for (size_t i = 0; i < ctl_verb_count; i++)
        if (gr_str_eq(ctl_verbs[i].group, first) && gr_str_eq(ctl_verbs[i].name, second))
            return &ctl_verbs[i];
    *status = unknown(second, first);
    return NULL;
}

static bool
read_timeout(const char *text, long *out)
{
    int64_t v;

    if (gr_parse_i64(gr_str(text), 1, 86400, &v) != GR_OK)
        return false;
    *out = (long)v;
    return true;
}

/* Sets the member of *c that the option names. */
static void
take_option(struct ctl *c, const struct ctl_option *o, const char *value)
{
    char *at = (char *)c;

    if (o->value)
        memcpy(at + o->text, &value, sizeof value);
    else
        memcpy(at + o->flag, &(bool){true}, sizeof(bool));
}

/* auto: for people at a terminal who have not said otherwise (no-color.org). */
static bool
read_colour(struct ctl *c)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    c->colour = isatty(STDOUT_FILENO) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
    if (!c->color || strcmp(c->color, "auto") == 0)
        return true;
    c->colour = strcmp(c->color, "always") == 0;
    return c->colour || strcmp(c->color, "never") == 0;
}

/* As the C library would judge it, without its locales being there. */
static bool
speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const char *value = getenv(names[i]);

        if (value && value[0])
            return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "utf-8");
    }
    return false;
}

/* -1: go on; else the exit status. *used: a bit for each row of ctl_options that was there. */
static int
read_options(int argc, char **argv, struct ctl *c, uint64_t *used)
{
    struct option longs[CTL_OPTIONS_MAX + 1] = {{NULL, 0, NULL, 0}};
    int o;

    for (size_t i = 0; i < ctl_option_count; i++)
        longs[i] = (struct option){ctl_options[i].name,
                                   ctl_options[i].value ? required_argument : no_argument, NULL, (int)i + 1};
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o < 1 || (size_t)o > ctl_option_count) {
            (void)fputs("Try guardrailctl --help.\n", stderr);
            return CTL_USAGE;
        }
        take_option(c, &ctl_options[o - 1], optarg);
        *used |= UINT64_C(1) << (o - 1);
    }
    if (!read_colour(c))
        return (int)misuse("--color takes auto, always or never, not \"%s\"%s", c->color, "");
    c->utf8 = speaks_utf8();
    if (c->timeout && !read_timeout(c->timeout, &c->timeout_s))
        return (int)misuse("--timeout takes whole seconds, not \"%s\"%s", c->timeout, "");
    if (c->help)
        return (int)print_usage();
    if (c->version)
        return printf("guardrailctl %s\n", PACKAGE_VERSION) < 0 || fflush(stdout) != 0 ? CTL_MACHINE : CTL_OK;
    return -1;
}

/* ---- the request ---- */

/* NAME=VALUE,… as an object of texts. alone: the name of one value without a name; empty: there is none. */
static bool
put_pairs(struct jw *w, const char *key, const char *text, struct gr_str alone)
{
    struct gr_str rest = gr_str(text), piece;
    struct gr_buf name = GR_BUF_INIT(1024);
    bool ok = true;

    jw_open(w, key, '{');
    while (ok && gr_str_next(&rest, ',', &piece)) {
        size_t eq = gr_str_find(piece, GR_STR("="), 0);
        bool bare = eq == SIZE_MAX && alone.n > 0;
        ok = bare || (eq != SIZE_MAX && eq > 0);
        gr_buf_reset(&name);
        gr_buf_put(&name, bare ? alone : gr_str_trim(gr_str_sub(piece, 0, ok ? eq : 0)));
        jw_str(w, gr_buf_cstr(&name),
               bare ? gr_str_trim(piece)
               : ok ? gr_str_trim(gr_str_sub(piece, eq + 1, piece.n))
                    : GR_STR(""));
    }
    jw_close(w, '}');
    gr_buf_fini(&name);
    return ok;
}

static const char *
login_name(void)
{
    const struct passwd *pw = getpwuid(getuid());

    return pw && pw->pw_name ? pw->pw_name : "";
}

static enum ctl_exit
build_body(const struct ctl_verb *v, const struct ctl *c, struct gr_buf *body)
{
    struct jw w = JW_INIT(body);
    const char *by = c->by ? c->by : login_name();

    if (!gr_str_is_utf8(gr_str(c->reason)) || !gr_str_is_utf8(gr_str(by)) ||
        !gr_str_is_utf8(gr_str(c->guardrail)) || !gr_str_is_utf8(gr_str(c->span)) ||
        !gr_str_is_utf8(gr_str(c->until)) || !gr_str_is_utf8(gr_str(c->commander)) ||
        !gr_str_is_utf8(gr_str(c->lasts)) || !gr_str_is_utf8(gr_str(c->to)) ||
        !gr_str_is_utf8(gr_str(c->share)) || !gr_str_is_utf8(gr_str(c->stream)))
        return misuse("names and reasons must be UTF-8%s%s", "", "");
    jw_open(&w, NULL, '{');
    jw_text(&w, "by", by);
    if (c->reason)
        jw_text(&w, "reason", c->reason);
    if (c->span)
        jw_text(&w, "for", c->span);
    if (c->until)
        jw_text(&w, "until", c->until);
    if (c->force)
        jw_bool(&w, "force", true);
    if (c->guardrail)
        jw_text(&w, "guardrail", c->guardrail);
    if (c->commander)
        jw_text(&w, "commander", c->commander);
    if (c->lasts)
        jw_text(&w, "lasts", c->lasts);
    if (c->to)
        jw_text(&w, "to", c->to);
    if (c->share && !put_pairs(&w, "share", c->share, GR_STR("all")))
        return misuse("--share takes FLOW=SHARE, as making=2%%, not \"%s\"%s", c->share, "");
    if (v->takes & CTL_STREAM) {
        jw_text(&w, "deployment_id", c->deployment);
        if (!put_pairs(&w, "stream", c->stream, GR_STR("")))
            return misuse("--stream takes LABEL=VALUE, as cluster=equities, not \"%s\"%s", c->stream, "");
    }
    jw_close(&w, '}');
    return gr_buf_err(body) == GR_OK ? CTL_OK : CTL_MACHINE;
}

/* The id becomes part of a path: what may stand in a deployment id needs no escaping, and nothing else is
 * sent. */
static bool
id_ok(struct gr_str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= 'A' && id.p[i] <= 'Z') ||
              (id.p[i] >= '0' && id.p[i] <= '9') || id.p[i] == '.' || id.p[i] == '_' || id.p[i] == '-'))
            return false;
    return id.n > 0 && id.n <= 128 && id.p[0] != '.';
}

static enum ctl_exit
build_path(const struct ctl_verb *v, const struct ctl *c, struct gr_buf *path)
{
    const char *pattern = c->override || c->page || c->all ? v->path2 : v->path;
    struct gr_str p = gr_str(pattern);
    size_t at = gr_str_find(p, GR_STR("%s"), 0);

    gr_buf_put(path, gr_str_sub(p, 0, at == SIZE_MAX ? p.n : at));
    if (at != SIZE_MAX) {
        gr_buf_puts(path, c->id);
        gr_buf_put(path, gr_str_sub(p, at + 2, p.n));
    }
    return gr_buf_err(path) == GR_OK ? CTL_OK : CTL_MACHINE;
}

/* An address of this machine, where nobody listens on the way. */
static bool
local_url(const char *url)
{
    static const struct gr_str hosts[] = {GR_STR_INIT("http://127.0.0.1"), GR_STR_INIT("http://[::1]"),
                                          GR_STR_INIT("http://localhost")};
    struct gr_str s = gr_str(url);

    for (size_t i = 0; i < GR_COUNT(hosts); i++)
        if (gr_str_starts(s, hosts[i]) &&
            (s.n == hosts[i].n || s.p[hosts[i].n] == ':' || s.p[hosts[i].n] == '/'))
            return true;
    return false;
}

static enum ctl_exit
check_server(const struct ctl *c)
{
    struct stat st;

    if (!c->url && (c->token_file || c->ca_file || c->cert_file || c->key_file))
        return misuse("%s belongs to --server%s", c->token_file ? "--token-file" : "a certificate", "");
    if (c->url && !gr_str_starts(gr_str(c->url), GR_STR("https://")) && !local_url(c->url))
        return misuse("--server takes https://…, or http:// for this machine alone, not \"%s\"%s", c->url,
                      "");
    if (!c->cert_file != !c->key_file)
        return misuse("--cert-file and --key-file need each other%s%s", "", "");
    if (c->key_file && stat(c->key_file, &st) == 0 && (st.st_mode & 077) != 0)
        return misuse("%s: others may read it (mode 0600 is needed)%s", c->key_file, "");
    return CTL_OK;
}

/* A number as messages show it, G-17, or bare. */
static bool
read_number(const char **text)
{
    int64_t n;

    if (gr_str_starts(gr_str(*text), GR_STR("G-")))
        *text += 2;
    return gr_parse_i64(gr_str(*text), 1, INT64_MAX, &n) == GR_OK;
}

/* The words behind the command. */
static enum ctl_exit
check_operands(const struct ctl_verb *v, struct ctl *c, int argc, char **argv, int at)
{
    bool instead = c->page || c->all || (c->store && (v->takes & CTL_VERIFY));

    if ((v->takes & (CTL_ID | CTL_NUMBER | CTL_PATH | CTL_SHELL)) && !instead) {
        if (at >= argc)
            return misuse(v->takes & CTL_SHELL    ? "%s: for which shell? One of bash, fish, zsh%s"
                          : v->takes & CTL_ID     ? "%s needs a deployment id%s"
                          : v->takes & CTL_NUMBER ? "%s needs the number of a dead letter%s"
                                                  : "%s takes one PATH%s",
                          v->name.p, v->takes & CTL_VERIFY ? ", or --store" : "");
        c->id = argv[at++];
    }
    if (at < argc)
        return misuse("\"%s\" is one argument too many for %s", argv[at], v->name.p);
    if (c->page)
        c->id = c->page;
    if ((v->takes & CTL_ID) && !c->page && !id_ok(gr_str(c->id)))
        return misuse("\"%s\" cannot be a deployment id%s", c->id, "");
    if (((v->takes & CTL_NUMBER) || c->page) && !c->all && !read_number(&c->id))
        return misuse("\"%s\" is no number, as 17 or G-17%s", c->id, "");
    return CTL_OK;
}

static enum ctl_exit
check_usage(const struct ctl_verb *v, struct ctl *c, uint64_t used, int argc, char **argv, int at)
{
    enum ctl_exit status;

    for (size_t i = 0; i < ctl_option_count; i++)
        if ((used >> i & 1) && ctl_options[i].verbs && !(ctl_options[i].verbs & v->takes))
            return misuse("--%s does not go with %s", ctl_options[i].name, v->name.p);
    if ((status = check_operands(v, c, argc, argv, at)) != CTL_OK)
        return status;
    if ((v->takes & CTL_STREAM) && (!c->stream || !c->deployment))
        return misuse("%s needs --stream and --deployment%s", v->name.p, "");
    if ((v->takes & CTL_REASON) && !c->reason)
        return misuse("%s needs --reason%s", v->name.p, "");
    if ((v->takes & CTL_SPAN_MUST) && !c->span && !c->until)
        return misuse("%s needs --for or --until%s", v->name.p, "");
    if ((v->takes & CTL_DEVIATE) && !c->commander)
        return misuse("%s needs --commander: the incident commander who allows it%s", v->name.p, "");
    if ((v->takes & CTL_DEVIATE) && !c->lasts && !c->to && !c->share)
        return misuse("%s needs one of --lasts, --to and --share%s", v->name.p, "");
    if (c->span && c->until)
        return misuse("--for and --until exclude each other%s%s", "", "");
    if (c->page && c->guardrail)
        return misuse("--guardrail goes with a deployment, not with --page%s%s", "", "");
    if (c->head && c->store)
        return misuse("--head belongs to verify PATH%s%s", "", "");
    return check_server(c);
}

/* ---- the answer ---- */

/* The verdicts of the releases that run, below the status. What cannot be asked is left out: an older guardraild. */
static void
add_verdicts(struct gr_buf *b, const struct gr_node *root, const struct ctl *c)
{
    const struct gr_node *list = gr_node_get(root, "releases");
    struct ctl brief = *c;
    size_t n = 0;

    brief.brief = true;
    if (!list || list->kind != GR_NODE_LIST)
        return;
    gr_node_each (r, list) {
        struct gr_str id = jread_str(r, "deployment_id");
        struct ctl_answer answer = {.status = 0};
        struct gr_buf path = GR_BUF_INIT(1024);

        if (!gr_str_is(jread_str(r, "state"), "running") || !id_ok(id) || n++ >= STATUS_RELEASES)
            continue;
        gr_buf_printf(&path, "/v1/releases/" GR_FMT "/verdicts", GR_ARG(id));
        if (gr_buf_err(&path) == GR_OK && ctl_look(c, gr_buf_cstr(&path), &answer) == CTL_OK) {
            gr_buf_putc(b, '\n');
            ctl_print_verdicts(b, answer.root, &brief);
        }
        ctl_answer_fini(&answer);
        gr_buf_fini(&path);
    }
}

/* The screen anew, with the time: only when the answer is there, so that nothing flickers. */
static void
put_clock(struct gr_buf *b)
{
    gr_buf_puts(b, "\033[H\033[2J"); /* the cursor home, and all clear */
    gr_time_print(b, (int64_t)time(NULL) * 1000);
    gr_buf_puts(b, "\n\n");
}

static enum ctl_exit
show(const struct ctl_verb *v, const struct ctl *c, const struct ctl_answer *a, enum ctl_exit status)
{
    struct gr_buf text = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX);
    struct gr_buf painted = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX);
    bool refused = status == CTL_REFUSED && gr_node_get(a->root, "reasons");
    bool ok = true;

    if (c->json && a->body.n > 0)
        return ctl_print_json(a) == CTL_OK ? status : CTL_MACHINE;
    if (refused)
        ctl_print_gate(&text, a->root, c);
    else if (status == CTL_OK)
        v->print(&text, v->list ? gr_node_get(a->root, v->list) : a->root, c);
    if (status == CTL_OK && v->print == ctl_print_status)
        add_verdicts(&text, a->root, c);
    if (c->watch && isatty(STDOUT_FILENO))
        put_clock(&painted);
    if (c->colour)
        ctl_paint(&painted, gr_buf_str(&text));
    else
        gr_buf_put(&painted, gr_buf_str(&text));
    ok = gr_buf_err(&painted) == GR_OK && fputs(gr_buf_cstr(&painted), stdout) >= 0 && fflush(stdout) == 0;
    gr_buf_fini(&text);
    gr_buf_fini(&painted);
    return ok ? status : CTL_MACHINE;
}

void
ctl_suggest(const struct ctl *c)
{
    struct ctl_answer answer = {.status = 0};
    struct gr_str names[NEAR_MAX], near = GR_STR_NONE;
    const struct gr_node *list;
    size_t n = 0;

    if (ctl_look(c, "/v1/releases", &answer) == CTL_OK &&
        (list = gr_node_get(answer.root, "releases")) != NULL && list->kind == GR_NODE_LIST) {
        gr_node_each (r, list) {
            if (n < NEAR_MAX && id_ok(jread_str(r, "deployment_id")))
                names[n++] = jread_str(r, "deployment_id");
        }
        near = gr_str_nearest(gr_str(c->id), names, n);
    }
    if (near.n > 0)
        (void)fprintf(stderr, "Did you mean \"" GR_FMT "\"?\n", GR_ARG(near));
    else
        (void)fputs("guardrailctl release list shows those there are.\n", stderr);
    ctl_answer_fini(&answer);
}

static enum ctl_exit
run(const struct ctl_verb *v, const struct ctl *c)
{
    struct gr_buf body = GR_BUF_INIT(65536), path = GR_BUF_INIT(1024);
    struct ctl_answer answer = {.status = 0};
    enum ctl_exit status;

    if ((v->takes & CTL_CHANGES) && (status = build_body(v, c, &body)) != CTL_OK)
        goto done;
    if ((status = build_path(v, c, &path)) != CTL_OK)
        goto done;
    status = ctl_request(c, gr_buf_cstr(&path), v->takes & CTL_CHANGES ? &body : NULL, &answer);
    if (answer.status)
        status = show(v, c, &answer, status);
    if (answer.status == 404 && (v->takes & CTL_ID) && !c->page && !c->json)
        ctl_suggest(c);
    /* A closed gate is an answer, and a script wants to know it. */
    if (status == CTL_OK && v->print == ctl_print_gate && !jread_bool(answer.root, "promote"))
        status = CTL_REFUSED;
    if (status == CTL_OK && v->print == ctl_print_audit && !jread_bool(answer.root, "ok"))
        status = CTL_REFUSED;
done:
    ctl_answer_fini(&answer);
    gr_buf_fini(&body);
    gr_buf_fini(&path);
    return status;
}

/* Again and again until it is interrupted. What cannot be asked now may answer the next time. */
static enum ctl_exit
watch(const struct ctl_verb *v, struct ctl *c)
{
    const struct timespec pause = {.tv_sec = WATCH_S};

    for (;;) {
        struct gr_arena *once = gr_arena_create(256u << 20);
        enum ctl_exit status;

        if (!once)
            return CTL_MACHINE;
        c->arena = once;
        status = run(v, c);
        c->arena = NULL;
        gr_arena_free(once);
        if (status == CTL_USAGE || ferror(stdout))
            return status;
        (void)nanosleep(&pause, NULL);
    }
}

int
main(int argc, char **argv)
{
    const char *env = getenv("GUARDRAIL_SOCKET");
    struct ctl c = {.socket = env && env[0] ? env : CTL_SOCKET, .timeout_s = 900};
    const struct ctl_verb *v;
    enum ctl_exit status = CTL_USAGE;
    uint64_t used = 0;
    bool stop = false;
    int option = read_options(argc, argv, &c, &used), at = optind;

    if (option != -1)
        return option;
    if (!(v = find_verb(argc, argv, &at, &status)) ||
        (status = check_usage(v, &c, used, argc, argv, at)) != CTL_OK)
        return (int)status;
    if (!(c.arena = gr_arena_create(256u << 20)) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)fputs("guardrailctl: out of memory\n", stderr);
        return CTL_MACHINE;
    }
    if ((v->takes & CTL_CHANGES) && ((status = ctl_plan(v, &c, &stop)) != CTL_OK || stop))
        goto done;
    if (c.watch) {
        gr_arena_free(c.arena);
        c.arena = NULL;
        status = watch(v, &c);
    } else {
        status = v->local && !c.store ? v->local(&c) : run(v, &c);
    }
done:
    curl_global_cleanup();
    gr_arena_free(c.arena);
    return (int)status;
}
