#include "config.h"
#include "sender.h"

#include <stdio.h>
#include <time.h>

#include "guardrail/file.h"
#include "guardrail/hash.h"
#include "guardrail/quote.h"
#include "sender_call.h"
#include "sender_text.h"

#define SECRET_BYTES_MAX 4096u
#define SECRET_PIECE_BYTES 9u /* what is shorter is a word, as "services" in Slack's URLs */
#define EXCERPT_BYTES_MAX 100u
#define HEADER_BYTES_MAX 8192u /* base64 of the largest secret */
#define PAGERDUTY_URL "https://events.pagerduty.com/v2/enqueue"

/* To add a target: one file with its functions, one row here. Sorted by name. */
static const struct sender_target targets[] = {
    {
        .kind = ACTION_HTTP,
        .name = "http",
        .secret_optional = true,
        .body_bytes_max = 1 << 20,
        .interval_ms = 100,
        .burst = 30,
        .age_ms_max = INT64_C(86400000),
        .send = http_send,
        .follows = sender_follows_both,
        .secret_ok = sender_token_ok,
    },
    {
        .kind = ACTION_JIRA,
        .name = "jira",
        .body_bytes_max = 1 << 20,
        .interval_ms = 1000, /* two requests and more each */
        .burst = 10,
        .age_ms_max = INT64_C(259200000), /* a ticket is still worth having after three days */
        .send = jira_send,
        .follows = jira_follows,
        .secret_ok = sender_token_ok,
    },
    {
        .kind = ACTION_JSM,
        .name = "jsm",
        .body_bytes_max = 1 << 20,
        .interval_ms = 500,
        .burst = 30,
        .age_ms_max = INT64_C(86400000),
        .send = alerts_send,
        .follows = sender_follows_both,
        .secret_ok = sender_token_ok,
    },
    {
        .kind = ACTION_OPSGENIE,
        .name = "opsgenie",
        .body_bytes_max = 1 << 20,
        .interval_ms = 500,
        .burst = 30,
        .age_ms_max = INT64_C(86400000),
        .send = alerts_send,
        .follows = sender_follows_both,
        .secret_ok = sender_token_ok,
    },
    {
        .kind = ACTION_PAGERDUTY,
        .name = "pagerduty",
        .body_bytes_max = 512000, /* PagerDuty: 512 KB */
        .interval_ms = 500,       /* about 120 a minute and key */
        .burst = 30,
        .age_ms_max = INT64_C(86400000), /* a page older than a day tells nobody anything */
        .encode = pagerduty_encode,
        .follows = sender_follows_both,
        .secret_ok = pagerduty_key_ok,
        .classify = pagerduty_classify,
    },
    {
        .kind = ACTION_SLACK,
        .name = "slack",
        .body_bytes_max = 40000, /* the texts are cut far below */
        .interval_ms = 1000,     /* Slack: one a second and channel, short bursts */
        .burst = 3,
        .age_ms_max = INT64_C(86400000),
        .send = slack_send,
        .encode = slack_encode,
        .follows = slack_follows,
        .secret_ok = slack_secret_ok,
        .classify = slack_classify,
    },
};

const struct sender_target *
sender_target(enum policy_action_kind kind)
{
    for (size_t i = 0; i < GR_COUNT(targets); i++)
        if (targets[i].kind == kind)
            return &targets[i];
    return NULL;
}

const struct sender_target *const *
sender_targets(size_t *count)
{
    static const struct sender_target *const list[] = {&targets[0], &targets[1], &targets[2],
                                                       &targets[3], &targets[4], &targets[5]};

    _Static_assert(GR_COUNT(list) == GR_COUNT(targets), "a row is missing here");
    *count = GR_COUNT(list);
    return list;
}

const char *
sender_answer_name(enum sender_answer answer)
{
    switch (answer) {
    case SENDER_DONE:
        return "done";
    case SENDER_LATER:
        return "later";
    case SENDER_NEVER:
        break;
    }
    return "never";
}

/* -- secrets ------------------------------------------------------------------------------------------------------------- */

struct gr_str
sender_secret_file(const struct policy_action *action)
{
    switch (action->kind) {
    case ACTION_PAGERDUTY:
        return action->routing_key_file;
    case ACTION_SLACK:
        return action->webhook_url_file.n > 0 ? action->webhook_url_file : action->token_file;
    case ACTION_JIRA:
    case ACTION_OPSGENIE:
    case ACTION_JSM:
    case ACTION_HTTP:
        return action->token_file;
    case ACTION_ROLLBACK:
    case ACTION_KINDS:
        break;
    }
    return GR_STR_NONE;
}

struct gr_str
sender_pace_key(const struct policy_action *action)
{
    if (action->kind == ACTION_SLACK && action->webhook_url_file.n == 0)
        return action->channel;
    return sender_secret_file(action).n > 0 ? sender_secret_file(action) : action->base_url;
}

bool
sender_follows(const struct policy_action *action, enum message_kind kind)
{
    const struct sender_target *t = sender_target(action->kind);

    return t && t->follows && t->follows(action, kind);
}

bool
sender_follows_both(const struct policy_action *action, enum message_kind kind)
{
    (void)action;
    return kind == MESSAGE_ACKED || kind == MESSAGE_CLOSED;
}

static void
wipe(struct gr_buf *secret)
{
    if (secret->p)
        explicit_bzero(secret->p, secret->cap);
    gr_buf_fini(secret);
}

/* Room for the largest secret is taken first: a buffer that grew would leave a copy behind in freed memory. */
static enum gr_err
read_secret(const struct sender_env *env, const struct sender_target *target,
            const struct policy_action *action, struct gr_buf *secret)
{
    struct gr_buf path = GR_BUF_INIT(4096);
    enum gr_err err;

    if (target->secret_optional && sender_secret_file(action).n == 0)
        return GR_OK;
    gr_buf_printf(&path, "%s/" GR_FMT, env->secrets_dir, GR_ARG(sender_secret_file(action)));
    err = gr_buf_err(&path);
    if (err == GR_OK && !gr_buf_room(secret, SECRET_BYTES_MAX))
        err = gr_buf_err(secret);
    if (err == GR_OK)
        err = gr_file_read_private(gr_buf_cstr(&path), secret);
    if (err == GR_OK && !target->secret_ok(action, gr_str_trim(gr_buf_str(secret)), env->allow_http))
        err = GR_ESYNTAX;
    gr_buf_fini(&path);
    return err;
}

enum gr_err
sender_check(const struct sender_env *env, const struct policy_action *action)
{
    const struct sender_target *target = sender_target(action->kind);
    struct gr_buf secret = GR_BUF_INIT(SECRET_BYTES_MAX);
    enum gr_err err = target ? read_secret(env, target, action, &secret) : GR_ESTATE;

    wipe(&secret);
    return err;
}

/* -- sending ------------------------------------------------------------------------------------------------------------- */

void
sender_say(struct sender_call *c, enum sender_answer answer, const char *fmt, ...)
{
    va_list ap;

    c->result->answer = answer;
    va_start(ap, fmt);
    (void)vsnprintf(c->result->text, sizeof c->result->text, fmt, ap); /* cut where it does not fit */
    va_end(ap);
}

static void
secret_failed(struct sender_call *c, enum gr_err err)
{
    struct gr_str file = sender_secret_file(c->action);
    bool later = err == GR_ENOMEM || err == GR_EIO;

    sender_say(c, later ? SENDER_LATER : SENDER_NEVER, "the secret file " GR_FMT " %s", GR_ARG(file),
               err == GR_EACCES    ? "is not private (0600) or cannot be opened"
               : err == GR_ESYNTAX ? "does not hold what this target needs"
                                   : gr_err_name(err));
}

/* Whether the text repeats the secret, or a piece of it that is long enough to be one by itself: peers like to quote a path. */
static bool
repeats(struct gr_str text, struct gr_str secret)
{
    size_t from = 0;

    for (size_t i = 0; i <= secret.n; i++) {
        if (i < secret.n && secret.p[i] > ' ' && !strchr("/:?&=.@#", secret.p[i]))
            continue;
        if (i - from >= SECRET_PIECE_BYTES && gr_str_find(text, gr_str_sub(secret, from, i), 0) != SIZE_MAX)
            return true;
        from = i + 1;
    }
    return false;
}

/* "search: status 403: invalid_token". The peer's words are shown only in part, escaped, and not at all if they repeat some of the
 * secret. */
static void
answered(struct sender_call *c, const char *what, enum sender_answer answer)
{
    struct gr_buf words = GR_BUF_INIT(4096);
    struct gr_str body = gr_str_trim(gr_buf_str(&c->response.body));

    if (!repeats(body, c->secret) && !repeats(body, gr_buf_str(&c->header)))
        sender_put(&words, body, gr_quote_log, EXCERPT_BYTES_MAX);
    c->result->status = c->response.status;
    sender_say(c, answer, "%s%sstatus %ld%s%s", what, what[0] != '\0' ? ": " : "", c->response.status,
               words.n > 0 ? ": " : "", gr_buf_cstr(&words));
    c->result->retry_after_ms = answer == SENDER_LATER ? c->response.retry_after_ms : -1;
    gr_buf_fini(&words);
}

/* False: no answer came, and *result says so. */
static bool
perform(struct sender_call *c, const char *what, const struct gr_http_request *request)
{
    enum gr_err err = gr_http_perform(c->env->http, request, &c->response);

    c->result->maybe_sent = false;
    if (err == GR_OK)
        return true;
    c->result->status = 0;
    c->result->retry_after_ms = -1;
    c->result->maybe_sent = c->response.sent;
    sender_say(c, err == GR_ERANGE ? SENDER_NEVER : SENDER_LATER, "%s%s%s", what, what[0] != '\0' ? ": " : "",
               c->response.error);
    return false;
}

enum sender_answer
sender_classify(long status, struct gr_str body)
{
    (void)body;
    if (status >= 200 && status < 300)
        return SENDER_DONE;
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return SENDER_LATER;
    return SENDER_NEVER;
}

enum sender_answer
sender_ask(struct sender_call *c, const struct sender_question *q)
{
    struct gr_http_header headers[2] = {{GR_STR("Authorization"), gr_buf_str(&c->header)}};
    struct gr_http_request request = {
        .post = q->post,
        .once = q->post,
        .url = q->url,
        .headers = c->header.n > 0 ? headers : &headers[1],
        .header_count = (c->header.n > 0) + (size_t)(q->more != NULL),
        .content_type = GR_STR("application/json"),
        .body = q->body,
        .deadline_ms = c->deadline_ms,
        .guarded = q->guarded,
        .private_hosts = c->env->private_hosts,
        .private_host_count = c->env->private_host_count,
    };

    if (q->more)
        headers[1] = *q->more;
    if (perform(c, q->what, &request))
        answered(c, q->what, sender_classify(c->response.status, GR_STR_NONE));
    return c->result->answer;
}

bool
sender_wait(struct sender_call *c, int64_t ms)
{
    struct timespec ts = {.tv_nsec = 20 * 1000000L};

    for (int64_t until = gr_http_now_ms() + ms; gr_http_now_ms() < until;) {
        if (c->env->stop && atomic_load(c->env->stop)) {
            sender_say(c, SENDER_LATER, "stopped before it was known whether it had arrived");
            return false;
        }
        (void)nanosleep(&ts, NULL);
    }
    c->deadline_ms += ms;
    return true;
}

void
sender_url(struct gr_buf *b, const struct policy_action *action, const char *path)
{
    struct gr_str base = action->base_url;

    while (gr_str_ends(base, GR_STR("/")))
        base.n--;
    gr_buf_put(b, base);
    gr_buf_puts(b, path);
}

void
sender_mark(struct gr_buf *b, struct gr_str key)
{
    char hex[GR_SHA256_HEX + 1];

    if (key.n == 0)
        return;
    if (gr_sha256_hex(key, hex) != GR_OK)
        b->err = GR_ENOMEM;
    gr_buf_printf(b, "gr-%.*s", (int)SENDER_MARK_HEX, hex);
}

bool
sender_built(struct sender_call *c, enum gr_err err)
{
    if (err != GR_OK)
        sender_say(c, err == GR_ENOMEM ? SENDER_LATER : SENDER_NEVER, "the message: %s", gr_err_name(err));
    return err == GR_OK;
}

/* One POST of what the row encodes: PagerDuty, and Slack's incoming webhooks. */
void
sender_post(struct sender_call *c)
{
    struct gr_buf body = GR_BUF_INIT(c->target->body_bytes_max);
    struct gr_http_request request = {
        .post = true,
        .once = true,
        .url = c->secret,
        .content_type = GR_STR("application/json"),
        .deadline_ms = c->deadline_ms,
    };

    if (c->target->kind == ACTION_PAGERDUTY)
        request.url = gr_str(c->env->pagerduty_url ? c->env->pagerduty_url : PAGERDUTY_URL);
    c->target->encode(&body, c->action, c->m, c->secret);
    request.body = gr_buf_str(&body);
    if (sender_built(c, gr_buf_err(&body)) && perform(c, "", &request))
        answered(c, "", c->target->classify(c->response.status, gr_buf_str(&c->response.body)));
    wipe(&body); /* PagerDuty's holds the key */
}

void
sender_send(const struct sender_env *env, const struct policy_action *action, const struct message *m,
            int64_t deadline_ms, struct sender_result *result)
{
    struct gr_buf secret = GR_BUF_INIT(SECRET_BYTES_MAX);
    struct sender_call c = {
        .env = env,
        .target = sender_target(action->kind),
        .action = action,
        .m = m,
        .deadline_ms = deadline_ms,
        .header = GR_BUF_INIT(HEADER_BYTES_MAX),
        .response = GR_HTTP_RESPONSE_INIT,
        .result = result,
    };
    enum gr_err err;

    *result = (struct sender_result){.answer = SENDER_NEVER, .retry_after_ms = -1};
    if (!c.target) {
        sender_say(&c, SENDER_NEVER, "this version cannot send to %s", policy_action_kind_name(action->kind));
    } else if ((err = read_secret(env, c.target, action, &secret)) != GR_OK) {
        secret_failed(&c, err);
    } else if (!gr_buf_room(&c.header, HEADER_BYTES_MAX - 1)) {
        sender_say(&c, SENDER_LATER, "out of memory");
    } else {
        c.secret = gr_str_trim(gr_buf_str(&secret));
        (c.target->send ? c.target->send : sender_post)(&c);
    }
    gr_http_response_fini(&c.response);
    wipe(&c.header);
    wipe(&secret);
}
