/* fuzz_conf.c - any bytes as guardraild.yml: findings, or a configuration within its limits that never opens a door by mistake. */
#include "config.h"
#include "fuzz.h"

#include "webhook/conf.h"
#include "webhook/tls.h"

static void
check_names(const struct conf_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        GR_ASSERT(tls_san_ok(names->v[i]));
}

static void
check_conf(const struct conf *c)
{
    bool ingest = c->ingest_token_file.n || c->ingest_sans.n, read = c->read_token_file.n || c->read_sans.n;

    GR_ASSERT(c->store_path.n > 0 && c->policy_path.n > 0 && c->reports_dir.n > 0 && c->listen_host.n > 0);
    GR_ASSERT(c->connections >= 1 && c->connections <= 512 && c->per_address >= 1 && c->burst >= 1);
    GR_ASSERT((c->tls_cert_file.n > 0) == (c->tls_key_file.n > 0));
    GR_ASSERT(c->tls_cert_file.n > 0 || c->client_ca_file.n == 0);
    GR_ASSERT(c->loopback || (c->tls_cert_file.n > 0 && ingest && read));
    check_names(&c->ingest_sans);
    check_names(&c->read_sans);
    check_names(&c->admin_sans);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = sources ? gr_diags_create(sources) : NULL;
    struct gr_arena *a = gr_arena_create(64u << 20);
    struct gr_buf text = GR_BUF_INIT(16u << 20);
    struct conf conf;
    enum gr_err err;

    GR_ASSERT(d && a);
    err = conf_parse(GR_STR("guardraild.yml"), (struct gr_str){(const char *)data, n},
                     GR_STR("/etc/guardrail"), a, sources, d, &conf);
    GR_ASSERT(err == GR_OK || err == GR_EUSER);
    GR_ASSERT((err == GR_OK) == (gr_diags_count(d, GR_SEV_ERROR) == 0));
    gr_diags_print(d, (struct gr_diag_style){.format = GR_DIAG_TEXT}, &text);
    GR_ASSERT(gr_buf_err(&text) == GR_OK);
    if (err == GR_OK)
        check_conf(&conf);
    gr_buf_fini(&text);
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
    return 0;
}
