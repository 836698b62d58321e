#include "config.h"
#include "record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "expand.h"
#include "guardrail/duration.h"
#include "guardrail/file.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"

#define PATH_BYTES_MAX 4096u

bool
record_id_ok(struct gr_str deployment_id)
{
    return expand_value_ok(deployment_id);
}

/* "key: value", the value quoted as it needs; an empty one is "". */
static void
put_text(struct gr_buf *b, const char *indent, const char *key, struct gr_str value)
{
    gr_buf_printf(b, "%s%s: ", indent, key);
    gr_quote_yaml(b, value);
    gr_buf_putc(b, '\n');
}

static void
put_optional(struct gr_buf *b, const char *indent, const char *key, struct gr_str value)
{
    if (value.n > 0)
        put_text(b, indent, key, value);
}

static void
put_time(struct gr_buf *b, const char *indent, const char *key, int64_t unix_ms)
{
    gr_buf_printf(b, "%s%s: ", indent, key);
    if (unix_ms > 0)
        gr_time_print(b, unix_ms);
    else
        gr_buf_puts(b, "null");
    gr_buf_putc(b, '\n');
}

/* Six significant digits are more than any of these metrics knows, and can be read. */
static double
readable(double value)
{
    char text[32];
    double rounded = value;

    (void)snprintf(text, sizeof text, "%.6g", value);
    return gr_parse_double(gr_str(text), &rounded) == GR_OK ? rounded : value;
}

/* YAML's own numbers only: what is no number is null. */
static void
put_number(struct gr_buf *b, double value)
{
    if (isfinite(value))
        gr_double_print(b, readable(value));
    else
        gr_buf_puts(b, "null");
    gr_buf_putc(b, '\n');
}

/* "key:" and the labels one deeper, or "key: {}". */
static void
put_labels(struct gr_buf *b, const char *indent, const char *key, struct label_set labels)
{
    gr_buf_printf(b, "%s%s:%s\n", indent, key, labels.count > 0 ? "" : " {}");
    for (size_t i = 0; i < labels.count; i++) {
        gr_buf_printf(b, "%s  ", indent);
        gr_quote_yaml(b, labels.items[i].name);
        gr_buf_puts(b, ": ");
        gr_quote_yaml(b, labels.items[i].value);
        gr_buf_putc(b, '\n');
    }
}

static void
put_shares(struct gr_buf *b, const struct record_decision *d)
{
    gr_buf_printf(b, "traffic_share:%s\n", d->traffic_count > 0 ? "" : " {}");
    for (size_t i = 0; i < d->traffic_count; i++) {
        gr_buf_puts(b, "  ");
        gr_quote_yaml(b, d->traffic[i].flow.n > 0 ? d->traffic[i].flow : GR_STR("all"));
        gr_buf_puts(b, ": ");
        put_number(b, d->traffic[i].ratio);
    }
}

/* The metric that stands for its source: the first that is marked worst, else the first. NULL if metric i is not the source's first,
 * whose place the source is printed at. */
static const struct record_metric *
representative(const struct record_decision *d, size_t i)
{
    const struct record_metric *first = &d->metrics[i];

    for (size_t k = 0; k < i; k++)
        if (gr_str_eq(d->metrics[k].source, first->source))
            return NULL;
    for (size_t k = i; k < d->metric_count; k++)
        if (d->metrics[k].worst && gr_str_eq(d->metrics[k].source, first->source))
            return &d->metrics[k];
    return first;
}

static void
put_snapshot(struct gr_buf *b, const struct record_decision *d)
{
    gr_buf_printf(b, "metrics_snapshot:%s\n", d->metric_count > 0 ? "" : " {}");
    for (size_t i = 0; i < d->metric_count; i++) {
        const struct record_metric *m = representative(d, i);

        if (!m)
            continue;
        gr_buf_puts(b, "  ");
        gr_quote_yaml(b, m->source);
        gr_buf_puts(b, ": ");
        put_number(b, m->value);
    }
    put_optional(b, "", "metrics_snapshot_error", d->snapshot_error);
}

static const char *
verdict_name(int verdict)
{
    static const char *const names[] = {"healthy", "insufficient", "soft", "hard"};

    return verdict >= 0 && (size_t)verdict < GR_COUNT(names) ? names[verdict] : NULL;
}

static void
put_slices(struct gr_buf *b, const struct record_decision *d)
{
    gr_buf_printf(b, "metrics_by_slice:%s\n", d->metric_count > 0 ? "" : " []");
    for (size_t i = 0; i < d->metric_count; i++) {
        const struct record_metric *m = &d->metrics[i];

        put_text(b, "  - ", "guardrail", m->guardrail);
        put_text(b, "    ", "source", m->source);
        put_labels(b, "    ", "slice", m->slice);
        gr_buf_puts(b, "    value: ");
        put_number(b, m->value);
        put_optional(b, "    ", "unit", m->unit);
        if (verdict_name(m->verdict))
            gr_buf_printf(b, "    verdict: %s\n", verdict_name(m->verdict));
    }
}

static void
put_breach(struct gr_buf *b, const struct record_decision *d)
{
    if (d->guardrail.n == 0)
        return;
    put_text(b, "", "guardrail", d->guardrail);
    put_optional(b, "", "level", d->level);
    put_optional(b, "", "limit", d->limit);
    put_labels(b, "", "slice", d->slice);
}

static void
put_steps(struct gr_buf *b, const struct record_decision *d)
{
    if (d->step_count > 0)
        gr_buf_puts(b, "steps:\n");
    for (size_t i = 0; i < d->step_count; i++) {
        const struct record_step *s = &d->steps[i];

        put_text(b, "  - ", "name", s->name);
        put_optional(b, "    ", "command", s->command);
        put_text(b, "    ", "result", s->result);
        gr_buf_printf(b, "    ok: %s\n", s->ok ? "true" : "false");
        if (s->attempt > 0)
            gr_buf_printf(b, "    attempt: %u\n", s->attempt);
        if (s->started_ms > 0) {
            put_time(b, "    ", "started", s->started_ms);
            gr_buf_printf(b, "    duration_ms: %lld\n", (long long)s->duration_ms);
        }
        put_optional(b, "    ", "output_sha256", s->output_sha256);
    }
}

static void
put_ack(struct gr_buf *b, const struct record_decision *d)
{
    if (d->ack_by.n == 0) {
        gr_buf_puts(b, "on_call: null\n");
        return;
    }
    gr_buf_puts(b, "on_call:\n");
    put_text(b, "  ", "acknowledged_by", d->ack_by);
    put_time(b, "  ", "at", d->ack_ms);
}

void
record_print(struct gr_buf *b, struct gr_str deployment_id, const struct record_decision *d)
{
    gr_buf_puts(b, "---\n");
    put_text(b, "", "decision", d->decision);
    put_time(b, "", "timestamp", d->at_ms);
    put_text(b, "", "deployment_id", deployment_id);
    put_text(b, "", "spec", d->spec);
    put_text(b, "", "spec_hash", d->spec_hash);
    put_labels(b, "", "release", d->stream);
    put_text(b, "", "phase", d->phase);
    put_text(b, "", "approver", d->approver);
    put_optional(b, "", "commander", d->commander);
    put_time(b, "", "start_timestamp", d->phase_start_ms);
    put_shares(b, d);
    put_snapshot(b, d);
    put_slices(b, d);
    put_text(b, "", "notes", d->notes);
    put_text(b, "", "reason", d->reason);
    put_breach(b, d);
    put_ack(b, d);
    put_steps(b, d);
    put_optional(b, "", "outcome", d->outcome);
}

void
record_path(struct gr_buf *b, const char *reports_dir, struct gr_str deployment_id)
{
    GR_ASSERT(record_id_ok(deployment_id));
    gr_buf_printf(b, "%s/release_decisions/" GR_FMT ".yaml", reports_dir, GR_ARG(deployment_id));
}

/* GR_ESTATE: a sealed file stands in the way, with other content. *same: sealed and already what we would write, as after a write that a
 * crash made us repeat. */
static enum gr_err
check_seal(const char *path, struct gr_str content, bool *same)
{
    struct gr_buf old = GR_BUF_INIT(RECORD_BYTES_MAX);
    struct stat st;
    enum gr_err err;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? GR_OK : gr_err_from_errno(errno);
    if ((st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) != 0)
        return GR_OK;
    if ((err = gr_file_read(path, &old)) == GR_OK) {
        *same = gr_str_eq(gr_buf_str(&old), content);
        err = *same ? GR_OK : GR_ESTATE;
    }
    gr_buf_fini(&old);
    return err;
}

static enum gr_err
make_folder(const char *reports_dir)
{
    struct gr_buf folder = GR_BUF_INIT(PATH_BYTES_MAX);
    enum gr_err err;

    gr_buf_printf(&folder, "%s/release_decisions", reports_dir);
    err = gr_buf_err(&folder);
    if (err == GR_OK)
        err = gr_dir_make(gr_buf_cstr(&folder));
    gr_buf_fini(&folder);
    return err;
}

enum gr_err
record_write(const char *reports_dir, struct gr_str deployment_id, const struct record_decision *decisions,
             size_t count, bool sealed)
{
    struct gr_buf path = GR_BUF_INIT(PATH_BYTES_MAX), b = GR_BUF_INIT(RECORD_BYTES_MAX);
    bool same = false;
    enum gr_err err;

    if (!record_id_ok(deployment_id))
        return GR_ERANGE;
    record_path(&path, reports_dir, deployment_id);
    gr_buf_puts(&b, "# Release decisions, written by guardraild: one document per decision, oldest first.\n");
    for (size_t i = 0; i < count; i++)
        record_print(&b, deployment_id, &decisions[i]);
    if ((err = gr_buf_err(&path)) == GR_OK)
        err = gr_buf_err(&b);
    if (err == GR_OK)
        err = make_folder(reports_dir);
    if (err == GR_OK)
        err = check_seal(gr_buf_cstr(&path), gr_buf_str(&b), &same);
    if (err == GR_OK && !same)
        err = gr_file_write(gr_buf_cstr(&path), gr_buf_str(&b), sealed ? 0444 : 0644);
    gr_buf_fini(&path);
    gr_buf_fini(&b);
    return err;
}
