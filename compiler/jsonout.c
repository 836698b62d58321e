#include "config.h"
#include "jsonout.h"

#include "guardrail/json.h"

#define TEXT_MAX (16u << 20) /* more than any file we write */

void
jsonout_init(struct jsonout *j)
{
    *j = (struct jsonout){.key = GR_BUF_INIT(TEXT_MAX), .text = GR_BUF_INIT(TEXT_MAX)};
}

/* Hands item over to parent; returns it, or NULL when that failed (item is deleted then). */
static cJSON *
attach(struct jsonout *j, cJSON *parent, const char *key, cJSON *item)
{
    cJSON_bool ok = 0;

    if (item && parent)
        ok = key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item);
    if (ok)
        return item;
    j->failed = true;
    cJSON_Delete(item);
    return NULL;
}

cJSON *
jsonout_root(struct jsonout *j)
{
    cJSON *root = cJSON_CreateObject();

    if (!root)
        j->failed = true;
    return root;
}

cJSON *
jsonout_object(struct jsonout *j, cJSON *parent, const char *key)
{
    return attach(j, parent, key, cJSON_CreateObject());
}

cJSON *
jsonout_array(struct jsonout *j, cJSON *parent, const char *key)
{
    return attach(j, parent, key, cJSON_CreateArray());
}

void
jsonout_cstr(struct jsonout *j, cJSON *parent, const char *key, const char *s)
{
    (void)attach(j, parent, key, cJSON_CreateString(s));
}

void
jsonout_str(struct jsonout *j, cJSON *parent, const char *key, struct gr_str s)
{
    gr_buf_reset(&j->text);
    gr_buf_put(&j->text, s);
    if (gr_buf_err(&j->text) != GR_OK)
        j->failed = true;
    jsonout_cstr(j, parent, key, gr_buf_cstr(&j->text));
}

void
jsonout_fmt(struct jsonout *j, cJSON *parent, const char *key, const char *fmt, ...)
{
    va_list ap;

    gr_buf_reset(&j->text);
    va_start(ap, fmt);
    gr_buf_vprintf(&j->text, fmt, ap);
    va_end(ap);
    if (gr_buf_err(&j->text) != GR_OK)
        j->failed = true;
    jsonout_cstr(j, parent, key, gr_buf_cstr(&j->text));
}

void
jsonout_num(struct jsonout *j, cJSON *parent, const char *key, double v)
{
    (void)attach(j, parent, key, cJSON_CreateNumber(v));
}

void
jsonout_bool(struct jsonout *j, cJSON *parent, const char *key, bool v)
{
    (void)attach(j, parent, key, cJSON_CreateBool(v));
}

void
jsonout_null(struct jsonout *j, cJSON *parent, const char *key)
{
    (void)attach(j, parent, key, cJSON_CreateNull());
}

const char *
jsonout_key(struct jsonout *j, struct gr_str key)
{
    gr_buf_reset(&j->key);
    gr_buf_put(&j->key, key);
    if (gr_buf_err(&j->key) != GR_OK)
        j->failed = true;
    return gr_buf_cstr(&j->key);
}

enum gr_err
jsonout_finish(struct jsonout *j, cJSON *root, struct gr_buf *b)
{
    enum gr_err err = j->failed || !root ? GR_ENOMEM : GR_OK;

    if (err == GR_OK) {
        gr_json_print(b, root);
        err = gr_buf_err(b);
    }
    cJSON_Delete(root);
    gr_buf_fini(&j->key);
    gr_buf_fini(&j->text);
    return err;
}
