/* guardrailctl: the operator's hand on guardraild, over its unix socket or HTTP. */
#include "config.h"

#include <curl/curl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"
#include "jw.h"

enum needs { NEEDS_ID = 1, NEEDS_STREAM = 2, NEEDS_REASON = 4, CHANGES = 8, NEEDS_PATH = 16 };
/* To add a verb: a row here, its page in the manual. */
struct verb {
    struct gr_str group, name; /* group "" : a verb of its own */
    unsigned needs;
    const char *method_path; /* %s: the id */
    void (*print)(struct gr_buf *b, const struct gr_node *root);
    const char *list; /* print gets this member instead of the root */
    const char *help;
    enum ctl_exit (*local)(const struct ctl *c); /* instead of asking guardraild */
};
static const struct verb verbs[] = {
    {GR_STR_INIT("release"), GR_STR_INIT("start"), NEEDS_STREAM | CHANGES, "/v1/releases", ctl_print_changed,
     NULL, "--stream LABEL=VALUE[,…] --deployment ID [--by NAME] [--reason TEXT]", NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("advance"), NEEDS_ID | NEEDS_REASON | CHANGES,
     "/v1/releases/%s/advance", ctl_print_changed, NULL, "ID --reason TEXT [--by NAME] [--override]", NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("show"), NEEDS_ID, "/v1/releases/%s", ctl_print_release, NULL, "ID",
     NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("list"), 0, "/v1/releases", ctl_print_releases, "releases", "",
     NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("abort"), NEEDS_ID | NEEDS_REASON | CHANGES, "/v1/releases/%s/abort",
     ctl_print_changed, NULL, "ID --reason TEXT [--by NAME]", NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("hold"), NEEDS_ID | NEEDS_REASON | CHANGES, "/v1/releases/%s/hold",
     ctl_print_changed, NULL, "ID --reason TEXT [--by NAME]", NULL},
    {GR_STR_INIT("release"), GR_STR_INIT("resume"), NEEDS_ID | NEEDS_REASON | CHANGES,
     "/v1/releases/%s/resume", ctl_print_changed, NULL, "ID --reason TEXT [--by NAME]", NULL},
    {GR_STR_INIT(""), GR_STR_INIT("gate"), NEEDS_ID, "/v1/releases/%s/gate", ctl_print_gate, NULL, "ID",
     NULL},
    {GR_STR_INIT(""), GR_STR_INIT("status"), 0, "/v1/status", ctl_print_status, NULL, "", NULL},
    {GR_STR_INIT("deadletter"), GR_STR_INIT("list"), 0, "/v1/deadletters", ctl_print_letters, "deadletters",
     "", NULL},
    {GR_STR_INIT(""), GR_STR_INIT("verify"), NEEDS_PATH, "/v1/audit", ctl_print_audit, NULL,
     "PATH [--head SEQ:HASH] | --store", ctl_verify},
    {GR_STR_INIT(""), GR_STR_INIT("replay"), NEEDS_PATH, NULL, NULL, NULL, "PATH [--policies DIR]",
     ctl_replay},
};

static const char usage_head[] = "Usage: guardrailctl [OPTION…] COMMAND\n\nCommands:\n";
static const char usage_tail[] =
    "\n"
    "  --socket PATH      guardraild's admin socket (default: $GUARDRAIL_SOCKET or " CTL_SOCKET ")\n"
    "  --server URL       instead of the socket: https://guardraild.example.org:9095 (--url is the same)\n"
    "  --token-file FILE  the bearer token for --server; a private file\n"
    "  --ca-file FILE     who may have signed guardraild's certificate (default: the system's)\n"
    "  --cert-file FILE   a client certificate for --server, and\n"
    "  --key-file FILE    its key; a private file\n"
    "  --by NAME          who decides (default: the login name)\n"
    "  --reason TEXT      why; stands in the decision record (--note is the same)\n"
    "  --override         with advance: do not ask the gate; needs a good reason\n"
    "  --timeout SECONDS  how long to wait for guardraild (default 900: a phase's checks may take long)\n"
    "  --head SEQ:HASH    with verify: the record that must be there, as messages and verify --store name "
    "it\n"
    "  --store            with verify: guardraild checks its own store\n"
    "  --policies DIR     with replay: where policy-HASH.json lie (default: beside the log)\n"
    "  --json             print guardraild's answer as it is\n"
    "\n"
    "Exit status: 0 done, 1 refused (the gate is closed, the state does not allow it), 2 bad usage or no "
    "such\n"
    "deployment, 3 guardraild cannot be reached or is in trouble.\n"
    "\n"
    "Examples:\n"
    "  guardrailctl release start --stream cluster=equities --deployment d42 --by "
    "jane.doe@example.com\n"
    "  guardrailctl gate d42\n"
    "  guardrailctl release advance d42 --by jane.doe@example.com --reason 'Latency normal "
    "after warm-up.'\n"
    "  guardrailctl release hold d42 --reason 'exchange is halting; no automatic rollback now'\n"
    "  guardrailctl verify /var/lib/guardrail/reports/audit\n";

static enum ctl_exit
print_usage(void)
{
    struct gr_buf b = GR_BUF_INIT(16384);
    bool ok;

    gr_buf_puts(&b, usage_head);
    for (size_t i = 0; i < GR_COUNT(verbs); i++)
        gr_buf_printf(&b, "  %s%s%s %s\n", verbs[i].group.p, verbs[i].group.n ? " " : "", verbs[i].name.p,
                      verbs[i].help);
    gr_buf_puts(&b, usage_tail);
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
    struct gr_str names[2 * GR_COUNT(verbs)], near;
    size_t n = 0;

    for (size_t i = 0; i < GR_COUNT(verbs); i++) {
        if (group.n ? gr_str_eq(verbs[i].group, group) : verbs[i].group.n == 0)
            names[n++] = verbs[i].name;
        else if (!group.n)
            names[n++] = verbs[i].group;
    }
    near = gr_str_nearest(word, names, n);
    (void)fprintf(
        stderr, "guardrailctl: unknown command \"%s%s" GR_FMT "\"%s" GR_FMT "%s\nTry guardrailctl --help.\n",
        group.n ? group.p : "", group.n ? " " : "", GR_ARG(word), near.n ? "; did you mean \"" : "",
        GR_ARG(near), near.n ? "\"?" : "");
    return CTL_USAGE;
}

/* Finds the verb at argv[*at] and moves *at behind it. */
static const struct verb *
find_verb(int argc, char **argv, int *at, enum ctl_exit *status)
{
    struct gr_str first, second;
    bool group = false;

    if (*at >= argc) {
        *status = misuse("a command is missing%s%s", "", "");
        return NULL;
    }
    first = gr_str(argv[(*at)++]);
    for (size_t i = 0; i < GR_COUNT(verbs); i++) {
        if (verbs[i].group.n == 0 && gr_str_eq(verbs[i].name, first))
            return &verbs[i];
        group |= verbs[i].group.n > 0 && gr_str_eq(verbs[i].group, first);
    }
    if (!group) {
        *status = unknown(first, GR_STR_NONE);
        return NULL;
    }
    second = *at < argc ? gr_str(argv[(*at)++]) : GR_STR("");
    for (size_t i = 0; i < GR_COUNT(verbs); i++)
        if (gr_str_eq(verbs[i].group, first) && gr_str_eq(verbs[i].name, second))
            return &verbs[i];
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

enum {
    OPT_SOCKET = 1,
    OPT_URL,
    OPT_TOKEN,
    OPT_CA,
    OPT_CERT,
    OPT_KEY,
    OPT_STREAM,
    OPT_DEPLOYMENT,
    OPT_BY,
    OPT_REASON,
    OPT_OVERRIDE,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_HEAD,
    OPT_STORE,
    OPT_POLICIES,
    OPT_HELP,
    OPT_VERSION
};

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct ctl *c)
{
    static const struct option longs[] = {{"socket", required_argument, NULL, OPT_SOCKET},
                                          {"url", required_argument, NULL, OPT_URL},
                                          {"server", required_argument, NULL, OPT_URL},
                                          {"token-file", required_argument, NULL, OPT_TOKEN},
                                          {"ca-file", required_argument, NULL, OPT_CA},
                                          {"cert-file", required_argument, NULL, OPT_CERT},
                                          {"key-file", required_argument, NULL, OPT_KEY},
                                          {"stream", required_argument, NULL, OPT_STREAM},
                                          {"deployment", required_argument, NULL, OPT_DEPLOYMENT},
                                          {"by", required_argument, NULL, OPT_BY},
                                          {"reason", required_argument, NULL, OPT_REASON},
                                          {"note", required_argument, NULL, OPT_REASON},
                                          {"override", no_argument, NULL, OPT_OVERRIDE},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                          {"head", required_argument, NULL, OPT_HEAD},
                                          {"store", no_argument, NULL, OPT_STORE},
                                          {"policies", required_argument, NULL, OPT_POLICIES},
                                          {"help", no_argument, NULL, OPT_HELP},
                                          {"version", no_argument, NULL, OPT_VERSION},
                                          {NULL, 0, NULL, 0}};
    int o;

    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1)
        switch (o) {
        case OPT_SOCKET:
            c->socket = optarg;
            break;
        case OPT_URL:
            c->url = optarg;
            break;
        case OPT_TOKEN:
            c->token_file = optarg;
            break;
        case OPT_CA:
            c->ca_file = optarg;
            break;
        case OPT_CERT:
            c->cert_file = optarg;
            break;
        case OPT_KEY:
            c->key_file = optarg;
            break;
        case OPT_STREAM:
            c->stream = optarg;
            break;
        case OPT_DEPLOYMENT:
            c->deployment = optarg;
            break;
        case OPT_BY:
            c->by = optarg;
            break;
        case OPT_REASON:
            c->reason = optarg;
            break;
        case OPT_OVERRIDE:
            c->override = true;
            break;
        case OPT_JSON:
            c->json = true;
            break;
        case OPT_HEAD:
            c->head = optarg;
            break;
        case OPT_STORE:
            c->store = true;
            break;
        case OPT_POLICIES:
            c->policies = optarg;
            break;
        case OPT_TIMEOUT:
            if (!read_timeout(optarg, &c->timeout_s))
                return (int)misuse("--timeout takes whole seconds, not \"%s\"%s", optarg, "");
            break;
        case OPT_HELP:
            return (int)print_usage();
        case OPT_VERSION:
            return printf("guardrailctl %s\n", PACKAGE_VERSION) < 0 || fflush(stdout) != 0 ? CTL_MACHINE
                                                                                           : CTL_OK;
        default:
            (void)fputs("Try guardrailctl --help.\n", stderr);
            return CTL_USAGE;
        }
    return -1;
}

/* ---- the request ---- */

static bool
put_stream(struct jw *w, const char *text)
{
    struct gr_str rest = gr_str(text), piece;
    struct gr_buf name = GR_BUF_INIT(1024);
    bool ok = true;

    jw_open(w, "stream", '{');
    while (ok && gr_str_next(&rest, ',', &piece)) {
        size_t eq = gr_str_find(piece, GR_STR("="), 0);
        ok = eq != SIZE_MAX && eq > 0;
        gr_buf_reset(&name);
        gr_buf_put(&name, gr_str_trim(gr_str_sub(piece, 0, ok ? eq : 0)));
        jw_str(w, gr_buf_cstr(&name), ok ? gr_str_trim(gr_str_sub(piece, eq + 1, piece.n)) : GR_STR(""));
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
build_body(const struct verb *v, const struct ctl *c, struct gr_buf *body)
{
    struct jw w = JW_INIT(body);
    const char *by = c->by ? c->by : login_name();

    if (!gr_str_is_utf8(gr_str(c->reason)) || !gr_str_is_utf8(gr_str(by)))
        return misuse("names and reasons must be UTF-8%s%s", "", "");
    jw_open(&w, NULL, '{');
    jw_text(&w, "by", by);
    if (c->reason)
        jw_text(&w, "reason", c->reason);
    if (v->needs & NEEDS_STREAM) {
        jw_text(&w, "deployment_id", c->deployment);
        if (!put_stream(&w, c->stream))
            return misuse("--stream takes LABEL=VALUE, as cluster=equities, not \"%s\"%s", c->stream, "");
    }
    jw_close(&w, '}');
    return gr_buf_err(body) == GR_OK ? CTL_OK : CTL_MACHINE;
}

/* The id becomes part of a path: what may stand in a deployment id needs no escaping, and nothing else is
 * sent. */
static bool
id_ok(const char *id)
{
    size_t n = strlen(id);

    for (size_t i = 0; i < n; i++)
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z') ||
              (id[i] >= '0' && id[i] <= '9') || id[i] == '.' || id[i] == '_' || id[i] == '-'))
            return false;
    return n > 0 && n <= 128 && id[0] != '.';
}

static enum ctl_exit
build_path(const struct verb *v, const struct ctl *c, struct gr_buf *path)
{
    const char *pattern = c->override ? "/v1/releases/%s/override" : v->method_path;
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

static enum ctl_exit
check_usage(const struct verb *v, struct ctl *c, int argc, char **argv, int at)
{
    if (v->needs & NEEDS_ID) {
        if (at >= argc)
            return misuse("%s needs a deployment id%s", v->name.p, "");
        c->id = argv[at++];
        if (!id_ok(c->id))
            return misuse("\"%s\" cannot be a deployment id%s", c->id, "");
    }
    if ((v->needs & NEEDS_PATH) && at < argc)
        c->id = argv[at++];
    if (at < argc)
        return misuse("\"%s\" is one argument too many for %s", argv[at], v->name.p);
    if ((v->needs & NEEDS_STREAM) && (!c->stream || !c->deployment))
        return misuse("%s needs --stream and --deployment%s", v->name.p, "");
    if ((v->needs & NEEDS_REASON) && !c->reason)
        return misuse("%s needs --reason%s", v->name.p, "");
    if (c->override && !gr_str_is(v->name, "advance"))
        return misuse("--override belongs to release advance%s%s", "", "");
    if ((v->needs & NEEDS_PATH) && !c->id == !c->store)
        return misuse("%s takes one %s", v->name.p, v->method_path ? "PATH, or --store" : "PATH");
    if ((c->store || c->head) && v->local != ctl_verify)
        return misuse("--head and --store belong to verify%s%s", "", "");
    if (c->head && c->store)
        return misuse("--head belongs to verify PATH%s%s", "", "");
    if (c->policies && v->local != ctl_replay)
        return misuse("--policies belongs to replay%s%s", "", "");
    return check_server(c);
}

static enum ctl_exit
show(const struct verb *v, const struct ctl *c, const struct ctl_answer *a, enum ctl_exit status)
{
    struct gr_buf text = GR_BUF_INIT(CTL_ANSWER_BYTES_MAX);
    bool refused = status == CTL_REFUSED && gr_node_get(a->root, "reasons");
    bool ok = true;

    if (c->json && a->body.n > 0)
        return ctl_print_json(a) == CTL_OK ? status : CTL_MACHINE;
    if (refused)
        ctl_print_gate(&text, a->root);
    else if (status == CTL_OK)
        v->print(&text, v->list ? gr_node_get(a->root, v->list) : a->root);
    ok = gr_buf_err(&text) == GR_OK && fputs(gr_buf_cstr(&text), stdout) >= 0 && fflush(stdout) == 0;
    gr_buf_fini(&text);
    return ok ? status : CTL_MACHINE;
}

static enum ctl_exit
run(const struct verb *v, const struct ctl *c)
{
    struct gr_buf body = GR_BUF_INIT(65536), path = GR_BUF_INIT(1024);
    struct ctl_answer answer = {.status = 0};
    enum ctl_exit status;

    if ((v->needs & CHANGES) && (status = build_body(v, c, &body)) != CTL_OK)
        goto done;
    if ((status = build_path(v, c, &path)) != CTL_OK)
        goto done;
    status = ctl_request(c, gr_buf_cstr(&path), v->needs & CHANGES ? &body : NULL, &answer);
    if (answer.status)
        status = show(v, c, &answer, status);
    /* A closed gate is an answer, and a script wants to know it. */
    if (status == CTL_OK && v->print == ctl_print_gate &&
        !gr_str_is(gr_node_get(answer.root, "promote")->text, "true"))
        status = CTL_REFUSED;
    if (status == CTL_OK && v->print == ctl_print_audit &&
        !gr_str_is(gr_node_get(answer.root, "ok")->text, "true"))
        status = CTL_REFUSED;
done:
    ctl_answer_fini(&answer);
    gr_buf_fini(&body);
    gr_buf_fini(&path);
    return status;
}

int
main(int argc, char **argv)
{
    const char *env = getenv("GUARDRAIL_SOCKET");
    struct ctl c = {.socket = env && env[0] ? env : CTL_SOCKET, .timeout_s = 900};
    const struct verb *v;
    enum ctl_exit status = CTL_USAGE;
    int option = read_options(argc, argv, &c), at = optind;

    if (option != -1)
        return option;
    if (!(v = find_verb(argc, argv, &at, &status)) || (status = check_usage(v, &c, argc, argv, at)) != CTL_OK)
        return (int)status;
    if (!(c.arena = gr_arena_create(256u << 20)) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)fputs("guardrailctl: out of memory\n", stderr);
        return CTL_MACHINE;
    }
    status = v->local && !c.store ? v->local(&c) : run(v, &c);
    curl_global_cleanup();
    gr_arena_free(c.arena);
    return (int)status;
}
