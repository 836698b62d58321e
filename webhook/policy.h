/* policy.h - policy.json as guardraild uses it: read once, checked whole, never changed.
 *
 * The shape is drawn in guardrail/policy.h. Everything is validated when loading, each fault a finding with its place in the file
 * (GR0007, GR0101 … for structure, GR0301, GR0304, GR0315 for references, GR0601 and GR0602 for the rest), so nobody behind this
 * file checks again: names are known, indexes in range, argv never empty, argv[0] an absolute path, a path below actions_dir
 * (relative, no ".." part) or a bare program name, and placeholders are known ones and never in argv[0].
 * One owner (the daemon's state, or a release that pinned it): policy_free. Immutable, so any thread may read it. All texts are
 * borrowed from it and NUL-terminated behind their n bytes. Limits: GR_POLICY_BYTES_MAX, POLICY_*_MAX below. */
#ifndef GUARDRAIL_WEBHOOK_POLICY_H
#define GUARDRAIL_WEBHOOK_POLICY_H
#include "guardrail/diag.h"
#include "guardrail/policy.h"
#include "labels.h"

#define POLICY_PHASES_MAX 64u
#define POLICY_GUARDRAILS_MAX 10000u
#define POLICY_STEPS_MAX 32u
#define POLICY_COMMANDS_MAX 8u /* members of one pipeline */
#define POLICY_ARGS_MAX 128u   /* of one command, the program included */
#define POLICY_PAGERS_MAX 8u
#define POLICY_ENTER_MAX 16u      /* steps of one on_enter */
#define POLICY_ENTER_POST_MS 5000 /* the most that a POST may take: a rollback waits for its end */
#define POLICY_USES_MAX 16u       /* actions of one guardrail and level */

enum policy_level { LEVEL_HARD, LEVEL_SOFT, LEVEL_NO_DATA, POLICY_LEVELS };
/* "hard", "soft", "no_data". */
const char *policy_level_name(enum policy_level level);
/* GR_ENOENT for any other text. */
GR_MUST_USE enum gr_err policy_level_parse(struct gr_str s, enum policy_level *out);

/* One program with its arguments, placeholders still in them. */
struct policy_argv {
    const struct gr_str *args; /* args[0] is the program */
    size_t count;              /* >= 1; 0 only where the header says "may be absent" */
};

enum policy_step_kind { STEP_RUN, STEP_PIPELINE, STEP_QUERY };
enum policy_on_failure {
    ON_FAILURE_ABORT,
    ON_FAILURE_CONTINUE,
    ON_FAILURE_PAGE
};                                                /* default: abort; page: page and go on */
enum policy_no_data { NO_DATA_FAIL, NO_DATA_OK }; /* default: fail */
struct policy_step {
    struct gr_str name;
    enum policy_step_kind kind;
    const struct policy_argv *commands; /* STEP_RUN: one; STEP_PIPELINE: two or more */
    size_t command_count;
    struct policy_argv probe; /* may be absent (count 0); exit 0 done, 1 not done, anything else unknown */
    int64_t timeout_ms;       /* of one attempt; also of the probe */
    enum policy_on_failure on_failure;
    bool idempotent;  /* may be run again after a crash */
    uint32_t retries; /* further attempts after the first; 0 … 10 */
    /* STEP_QUERY: an instant query that must come to lie on the right side of the bound within within_ms. */
    struct gr_str query;
    bool has_below, has_above; /* exactly one; strict */
    double bound;
    enum policy_no_data no_data;
    int64_t within_ms;
};

enum policy_action_kind {
    ACTION_ROLLBACK,
    ACTION_PAGERDUTY,
    ACTION_SLACK,
    ACTION_JIRA,
    ACTION_OPSGENIE,
    ACTION_JSM, /* Jira Service Management, Opsgenie's successor: the same shape */
    ACTION_HTTP,
    ACTION_KINDS
};
const char *policy_action_kind_name(enum policy_action_kind kind); /* "rollback" … as in the file */
struct policy_action {
    struct gr_str name;
    enum policy_action_kind kind;
    const struct policy_step *steps; /* rollback: at least one */
    size_t step_count;
    /* Texts that a kind does not use are empty. Files are plain names below secrets_dir ("slack.url"). */
    struct gr_str service, routing_key_file;                 /* pagerduty */
    struct gr_str channel, webhook_url_file;                 /* slack: an incoming webhook, or token_file */
    struct gr_str project, issue_type, base_url, token_file; /* jira, opsgenie, jsm, http */
    struct gr_str reopen; /* jira: the transition for an issue that is done and whose breach is back */
    struct gr_str close;  /* jira: the transition for one whose breach is over */
    struct gr_str team;   /* opsgenie, jsm */
    struct gr_str
        body; /* http: the template of what is posted (guardrail/template.h); empty: the documented object */
    int64_t escalate_after_ms;               /* 0: never */
    const struct policy_action *escalate_to; /* NULL: nobody; never itself, no circles */
};

/* What a guardrail's level asks for: a built-in verb, or an action. */
enum policy_verb { VERB_HOLD, VERB_EXTEND, VERB_HALT, VERB_ABORT, VERB_ACTION };
struct policy_use {
    enum policy_verb verb;
    const struct policy_action *action; /* VERB_ACTION only */
};

struct policy_check {
    struct gr_str name;
    struct policy_argv argv;
    int64_t timeout_ms;
    bool aborts; /* an exit status other than 0 ends the release; else it closes the gate until it passes */
};
/* One step of traffic.on_enter: a program, or a POST to an action of the kind http. It sets a state, so it may run twice. */
struct policy_enter {
    struct gr_str name;
    struct policy_argv argv; /* count 0: a POST */
    const struct policy_action *post;
    int64_t timeout_ms; /* of one attempt */
    uint32_t retries;   /* further attempts after the first */
};
struct policy_share {
    struct gr_str flow; /* "" without flows */
    double ratio;       /* 0..1 */
};
struct policy_phase {
    struct gr_str name;
    size_t index;       /* place in policy.phases */
    bool shadow, final; /* final: the last one, seals */
    int64_t min_duration_ms, max_duration_ms;
    const struct policy_share *traffic;
    size_t traffic_count;
    const struct policy_check *checks;
    size_t check_count;
    const struct policy_check *requires; /* asked before this phase is entered */
    size_t require_count;
    const struct policy_enter *on_enter; /* what applies its traffic split, in this order */
    size_t enter_count;
};

struct policy_limit {
    enum policy_level level; /* hard or soft */
    struct gr_str side;      /* upper, lower, backstop, backstop_lower */
    struct gr_str text;      /* for people: "+40% over control" */
};
struct policy_guardrail {
    struct gr_str name, group, source,
        runbook_url;     /* source: the name people use; the guardrail's own if it states none */
    size_t index;        /* place in policy.guardrails */
    uint64_t phase_mask; /* bit i: active in phases[i] */
    const struct gr_str *slice_labels; /* static and dynamic ones, in the file's order */
    size_t slice_label_count;
    const struct gr_str *dynamic_labels;
    size_t dynamic_label_count;
    struct {
        const struct policy_use *uses;
        size_t count;
    } on[POLICY_LEVELS];
    const struct policy_limit *limits;
    size_t limit_count;
    bool common_cause_hold; /* while control is beyond the same fixed limit: hold and page, no command */
    bool thin_allow;        /* verdicts that are insufficient for "thin" alone hold no promotion */
    struct gr_str snapshot_query; /* empty: no snapshot */
    double snapshot_scale;        /* value × scale is in … */
    struct gr_str snapshot_unit;  /* … this unit; may be empty */
};

/* The verdict series that must be there and 0 before a promotion, of one stream and one guardrail. */
struct policy_expected {
    struct label_set stream;
    const struct policy_guardrail *guardrail;
    const struct label_set *slices; /* at least one; LABELS_NONE where the guardrail has no slices */
    size_t slice_count;
};

struct policy {
    struct gr_str compiler, spec, spec_hash, owner, overview_uid;
    int64_t time_scale;                  /* >= 1 */
    int64_t sampling_ms, retention_ms;   /* retention 0: not stated */
    const struct gr_str *release_labels; /* in the file's order */
    size_t release_label_count;
    const struct label_set *streams;
    size_t stream_count;
    struct gr_str cohort_label, canary, control;
    struct gr_str flow_label; /* empty without flows */
    const struct gr_str *flows;
    size_t flow_count;
    const struct policy_phase *phases; /* at least one, the last is final */
    size_t phase_count;
    const struct policy_guardrail *guardrails;
    size_t guardrail_count;
    const struct policy_guardrail *const *guardrails_by_name; /* the same, sorted: for policy_guardrail */
    const struct policy_expected *expected;
    size_t expected_count;
    const struct policy_action *actions; /* sorted by name */
    size_t action_count;
    /* Who is paged when no guardrail says: the pagerduty, opsgenie and jsm actions that hard levels use, or else their slack ones, or else
     * those of soft, or of no_data. Empty only if the policy sends no messages at all. */
    const struct policy_action *const *pagers;
    size_t pager_count;
    struct gr_str text;     /* the file as read, to pin it with a release */
    struct gr_arena *arena; /* owned; holds everything above */
};

/* Reads and checks a policy. sources, d: where findings go (d made on these sources); the policy keeps no pointer to either.
 * GR_EUSER: findings say what is wrong; GR_ENOENT, GR_EACCES, GR_EIO, GR_ELIMIT, GR_ENOMEM. *out is the caller's (policy_free). */
GR_MUST_USE enum gr_err policy_load(const char *path, struct gr_sources *sources, struct gr_diags *d,
                                    struct policy **out);
/* The same from text; name stands in findings. For policies pinned in the store, and for tests. */
GR_MUST_USE enum gr_err policy_parse(struct gr_str name, struct gr_str text, struct gr_sources *sources,
                                     struct gr_diags *d, struct policy **out);
void policy_free(struct policy *p); /* accepts NULL */

/* Look-ups; NULL when there is none. */
const struct policy_phase *policy_phase(const struct policy *p, struct gr_str name);
const struct policy_guardrail *policy_guardrail(const struct policy *p, struct gr_str name);
const struct policy_action *policy_action(const struct policy *p, struct gr_str name);
/* The expected stream that carries exactly these labels, or NULL. */
const struct label_set *policy_stream(const struct policy *p, struct label_set labels);
bool policy_guardrail_active(const struct policy_guardrail *g, const struct policy_phase *phase);
/* Whether the guardrail can raise an alert of this level: it has a limit of it (hard, soft); no_data always. */
bool policy_guardrail_has_level(const struct policy_guardrail *g, enum policy_level level);
/* Walks the rows of `expected` that count for a stream in a phase: start with *at = 0; NULL at the end.
 *     for (size_t at = 0; (e = policy_expected_next(p, stream, phase, &at));) … */
const struct policy_expected *policy_expected_next(const struct policy *p, struct label_set stream,
                                                   const struct policy_phase *phase, size_t *at);
#endif
