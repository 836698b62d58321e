#include "config.h"
#include "prom.h"

#include <math.h>
#include <stdio.h>

#include "guardrail/node.h"
#include "guardrail/number.h"
#include "guardrail/quote.h"

#define TREE_BYTES_MAX (64u << 20)

static const struct gr_node_limits limits = {.depth = 12, .nodes = 1000000, .scalar_bytes = 65536};

static enum gr_err GR_PRINTF(3, 4) fail(struct prom_error *error, enum gr_err err, const char *fmt, ...)
{
    struct gr_buf text = GR_BUF_INIT(4096), safe = GR_BUF_INIT(16384);
    va_list ap;

    va_start(ap, fmt);
    gr_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    gr_quote_log(&safe, gr_buf_str(&text)); /* some of it is Prometheus' own words */
    (void)snprintf(error->text, sizeof error->text, "%s", gr_buf_cstr(&safe)); /* cut where it does not fit */
    gr_buf_fini(&text);
    gr_buf_fini(&safe);
    return err;
}

static struct gr_str
text_of(const struct gr_node *map, const char *key)
{
    const struct gr_node *node = gr_node_get(map, key);

    return node && node->kind == GR_NODE_SCALAR ? node->text : GR_STR_NONE;
}

/* [ <unix time>, "<value>" ] */
static bool
read_value(const struct gr_node *pair, double *out)
{
    const struct gr_node *v =
        pair && pair->kind == GR_NODE_LIST && pair->count == 2 ? pair->first->next : NULL;

    if (!v || v->kind != GR_NODE_SCALAR || v->style == GR_STYLE_PLAIN)
        return false;
    if (gr_str_is(v->text, "NaN"))
        *out = (double)NAN;
    else if (gr_str_is(v->text, "+Inf") || gr_str_is(v->text, "Inf"))
        *out = (double)INFINITY;
    else if (gr_str_is(v->text, "-Inf"))
        *out = -(double)INFINITY;
    else
        return gr_parse_double(v->text, out) == GR_OK;
    return true;
}

static enum gr_err
read_labels(const struct gr_node *metric, struct gr_arena *a, struct label_set *out)
{
    struct label *items;
    size_t n = 0;

    if (!metric || metric->kind != GR_NODE_MAP || metric->count > LABELS_MAX + 1)
        return GR_ESYNTAX;
    if (!(items = gr_arena_array(a, metric->count, sizeof *items)))
        return GR_ENOMEM;
    gr_node_each (item, metric) {
        if (item->kind != GR_NODE_SCALAR)
            return GR_ESYNTAX;
        if (gr_str_is(item->key, "__name__"))
            continue;
        items[n] = (struct label){gr_arena_dup(a, item->key), gr_arena_dup(a, item->text)};
        if (!items[n].name.p || !items[n].value.p)
            return GR_ENOMEM;
        n++;
    }
    *out = (struct label_set){items, n};
    return labels_sort(items, n) == GR_OK ? GR_OK : GR_ESYNTAX;
}

static enum gr_err
read_samples(const struct gr_node *result, struct gr_arena *a, struct prom_vector *out,
             struct prom_error *error)
{
    struct prom_sample *samples;
    size_t n = 0;
    enum gr_err err;

    if (!result || result->kind != GR_NODE_LIST)
        return fail(error, GR_ESYNTAX, "the answer has no result");
    if (result->count > PROM_SAMPLES_MAX)
        return fail(error, GR_ELIMIT, "%zu samples are too many", result->count);
    if (!(samples = gr_arena_array(a, result->count, sizeof *samples)))
        return fail(error, GR_ENOMEM, "out of memory");
    gr_node_each (item, result) {
        err = read_labels(gr_node_get(item, "metric"), a, &samples[n].labels);
        if (err == GR_OK && !read_value(gr_node_get(item, "value"), &samples[n].value))
            err = GR_ESYNTAX;
        if (err != GR_OK)
            return fail(error, err, "sample %zu of the answer is malformed", n);
        n++;
    }
    *out = (struct prom_vector){samples, n};
    return GR_OK;
}

/* What is read into: a vector, or the points of a range. */
struct reading {
    struct gr_arena *arena;
    struct prom_vector *vector;     /* NULL: a range was asked for */
    const struct prom_range *range; /* and these are its points */
    struct prom_matrix *matrix;
};

/* [[<unix time>, "<value>"], …] into the points that they are nearest to. */
static bool
read_points(const struct gr_node *list, const struct prom_range *range, double *values)
{
    double at, v;

    for (size_t i = 0; i < range->points; i++)
        values[i] = (double)NAN;
    if (!list || list->kind != GR_NODE_LIST)
        return false;
    gr_node_each (pair, list) {
        if (!read_value(pair, &v) || pair->first->kind != GR_NODE_SCALAR ||
            gr_parse_double(pair->first->text, &at) != GR_OK)
            return false;
        at = (at * 1000.0 - (double)range->start_ms) / (double)range->step_ms + 0.5;
        if (at >= 0 && at < (double)range->points)
            values[(size_t)at] = v;
    }
    return true;
}

static enum gr_err
read_lines(const struct gr_node *result, const struct reading *r, struct prom_error *error)
{
    struct prom_line *lines;
    size_t n = 0;
    enum gr_err err;

    if (!result || result->kind != GR_NODE_LIST)
        return fail(error, GR_ESYNTAX, "the answer has no result");
    if (result->count > PROM_LINES_MAX)
        return fail(error, GR_ELIMIT, "%zu series are too many", result->count);
    if (!(lines = gr_arena_array(r->arena, result->count, sizeof *lines)))
        return fail(error, GR_ENOMEM, "out of memory");
    gr_node_each (item, result) {
        double *values = gr_arena_array(r->arena, r->range->points, sizeof *values);

        err = values ? read_labels(gr_node_get(item, "metric"), r->arena, &lines[n].labels) : GR_ENOMEM;
        if (err == GR_OK && !read_points(gr_node_get(item, "values"), r->range, values))
            err = GR_ESYNTAX;
        if (err != GR_OK)
            return fail(error, err, "series %zu of the answer is malformed", n);
        lines[n++].values = values;
    }
    *r->matrix = (struct prom_matrix){lines, n};
    return GR_OK;
}

static enum gr_err
read_data(const struct gr_node *data, const struct reading *r, struct prom_error *error)
{
    struct gr_str type = text_of(data, "resultType");
    struct prom_sample *one;

    if (r->range)
        return gr_str_is(type, "matrix") ? read_lines(gr_node_get(data, "result"), r, error)
                                         : fail(error, GR_ESYNTAX, "the answer is no range");
    if (gr_str_is(type, "vector"))
        return read_samples(gr_node_get(data, "result"), r->arena, r->vector, error);
    if (!gr_str_is(type, "scalar"))
        return fail(error, GR_EUSER, "the query gives a " GR_FMT ", not a vector", GR_ARG(type));
    if (!(one = gr_arena_alloc(r->arena, sizeof *one)))
        return fail(error, GR_ENOMEM, "out of memory");
    if (!read_value(gr_node_get(data, "result"), &one->value))
        return fail(error, GR_ESYNTAX, "the scalar of the answer is malformed");
    *r->vector = (struct prom_vector){one, 1};
    return GR_OK;
}

/* 400: a bad query; 422: it cannot be executed; all else that is no success is the server's trouble. */
static enum gr_err
read_answer(const struct gr_node *root, long status, const struct reading *r, struct prom_error *error)
{
    struct gr_str answer = text_of(root, "status"), words = text_of(root, "error");
    const struct gr_node *warnings = gr_node_get(root, "warnings"); /* part of the data may be missing */

    if (gr_str_is(answer, "error"))
        return fail(error, status == 400 || status == 422 ? GR_EUSER : GR_ENET, "Prometheus answers: " GR_FMT,
                    GR_ARG(words));
    if (!gr_str_is(answer, "success") || status != 200)
        return fail(error, status >= 500 ? GR_ENET : GR_ESYNTAX, "the answer (status %ld) is not Prometheus'",
                    status);
    gr_node_each (warning, warnings) {
        if (!gr_str_starts(warning->text,
                           GR_STR("PromQL info"))) /* 2.48 to 2.53 list mere hints here as well */
            return fail(error, GR_ENET, "Prometheus warns: " GR_FMT, GR_ARG(warning->text));
    }
    return read_data(gr_node_get(root, "data"), r, error);
}

static enum gr_err
parse(struct gr_str body, long status, const struct reading *r, struct prom_error *error)
{
    struct gr_arena *trees = gr_arena_create(TREE_BYTES_MAX);
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_node *root = NULL;
    uint32_t file;
    enum gr_err err = trees && d ? GR_OK : GR_ENOMEM;

    error->text[0] = '\0';
    if (err == GR_OK)
        err = gr_sources_add(sources, GR_STR("answer"), body, &file);
    if (err == GR_OK)
        err = gr_json_read(trees, sources, file, &limits, d, &root);
    if (err == GR_OK)
        err = read_answer(root, status, r, error);
    else if (err == GR_EUSER)
        err = fail(error, status >= 500 ? GR_ENET : GR_ESYNTAX, "the answer (status %ld) is no JSON", status);
    else
        err = fail(error, err, "%s", gr_err_name(err));
    gr_diags_free(d);
    gr_sources_free(sources);
    gr_arena_free(trees);
    return err;
}

enum gr_err
prom_parse(struct gr_str body, long status, struct gr_arena *a, struct prom_vector *out,
           struct prom_error *error)
{
    return parse(body, status, &(struct reading){.arena = a, .vector = out}, error);
}

enum gr_err
prom_parse_range(struct gr_str body, long status, const struct prom_range *range, struct gr_arena *a,
                 struct prom_matrix *out, struct prom_error *error)
{
    GR_ASSERT(range->points > 0 && range->points <= PROM_POINTS_MAX && range->step_ms > 0);
    return parse(body, status, &(struct reading){.arena = a, .range = range, .matrix = out}, error);
}

/* http://host:9090 and http://host:9090/ both, and a path below which Prometheus may stand. */
static void
put_url(struct gr_buf *b, const char *base_url, const char *path)
{
    gr_buf_puts(b, base_url);
    if (b->n > 0 && b->p[b->n - 1] == '/')
        gr_buf_cut(b, b->n - 1);
    gr_buf_puts(b, path);
}

static void
put_seconds(struct gr_buf *b, const char *name, int64_t ms)
{
    gr_buf_printf(b, "&%s=%lld.%03d", name, (long long)(ms / 1000), (int)(ms % 1000));
}

static enum gr_err
ask(struct gr_http_client *c, const char *base_url, const char *path, struct gr_str query, int64_t time_ms,
    int64_t deadline_ms, const struct reading *r, struct prom_error *error)
{
    struct gr_http_response response = GR_HTTP_RESPONSE_INIT;
    struct gr_buf url = GR_BUF_INIT(4096), form = GR_BUF_INIT((size_t)3 * PROM_QUERY_BYTES_MAX + 64);
    struct gr_http_request request;
    enum gr_err err;

    error->text[0] = '\0';
    if (query.n == 0 || query.n > PROM_QUERY_BYTES_MAX)
        return fail(error, GR_ERANGE, "the query is empty or too long");
    put_url(&url, base_url, path);
    gr_buf_puts(&form, "query=");
    gr_http_encode(&form, query);
    if (r->range) {
        put_seconds(&form, "start", r->range->start_ms);
        put_seconds(&form, "end", r->range->start_ms + (int64_t)(r->range->points - 1) * r->range->step_ms);
        put_seconds(&form, "step", r->range->step_ms);
    } else if (time_ms > 0) {
        put_seconds(&form, "time", time_ms);
    }
    if ((err = gr_buf_err(&url)) != GR_OK || (err = gr_buf_err(&form)) != GR_OK) {
        err = fail(error, err, "%s", gr_err_name(err));
        goto done;
    }
    request = (struct gr_http_request){
        .post = true,
        .url = gr_buf_str(&url),
        .content_type = GR_STR("application/x-www-form-urlencoded"),
        .body = gr_buf_str(&form),
        .deadline_ms = deadline_ms,
    };
    if ((err = gr_http_perform(c, &request, &response)) == GR_OK)
        err = parse(gr_buf_str(&response.body), response.status, r, error);
    else
        err = fail(error, err, "Prometheus cannot be asked: %s", response.error);
done:
    gr_http_response_fini(&response);
    gr_buf_fini(&form);
    gr_buf_fini(&url);
    return err;
}

enum gr_err
prom_query(struct gr_http_client *c, const char *base_url, struct gr_str query, int64_t time_ms,
           int64_t deadline_ms, struct gr_arena *a, struct prom_vector *out, struct prom_error *error)
{
    return ask(c, base_url, "/api/v1/query", query, time_ms, deadline_ms,
               &(struct reading){.arena = a, .vector = out}, error);
}

enum gr_err
prom_query_range(struct gr_http_client *c, const char *base_url, struct gr_str query,
                 const struct prom_range *range, int64_t deadline_ms, struct gr_arena *a,
                 struct prom_matrix *out, struct prom_error *error)
{
    GR_ASSERT(range->points > 0 && range->points <= PROM_POINTS_MAX && range->step_ms > 0);
    return ask(c, base_url, "/api/v1/query_range", query, 0, deadline_ms,
               &(struct reading){.arena = a, .range = range, .matrix = out}, error);
}

enum prom_check
prom_check_bound(const struct prom_vector *v, bool below, double bound)
{
    if (v->count == 0)
        return PROM_NO_DATA;
    for (size_t i = 0; i < v->count; i++) {
        double value = v->samples[i].value;

        if (!isfinite(value) || !(below ? value < bound : value > bound))
            return PROM_FAILS;
    }
    return PROM_HOLDS;
}
