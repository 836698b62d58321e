#include "config.h"
#include "credentials.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include "guardrail/sys.h"

struct credentials {
    atomic_uint holders;
    struct tokens tokens;
    struct tls *tls;
    struct conf_names sans[ROLES];
};

static const char *
text_of(struct gr_str s)
{
    return s.n ? s.p : "";
}

struct credentials_files
credentials_files_of(const struct conf *conf)
{
    return (struct credentials_files){
        .tokens = {[ROLE_INGEST] = text_of(conf->ingest_token_file),
                   [ROLE_READ] = text_of(conf->read_token_file),
                   [ROLE_ADMIN] = text_of(conf->admin_token_file)},
        .tls = {text_of(conf->tls_cert_file), text_of(conf->tls_key_file), text_of(conf->client_ca_file)},
        .sans = {[ROLE_INGEST] = conf->ingest_sans,
                 [ROLE_READ] = conf->read_sans,
                 [ROLE_ADMIN] = conf->admin_sans},
    };
}

static bool
named(const char *path)
{
    return path && path[0] != '\0';
}

static enum gr_err
load_tokens(struct credentials *c, const struct credentials_files *f, struct gr_buf *why)
{
    enum gr_err err = GR_OK;

    for (size_t i = 0; i < ROLES && err == GR_OK; i++) {
        const char *path = named(f->tokens[i]) ? f->tokens[i] : "";
        err = tokens_load(&c->tokens, (enum role)i, path);
        if (err != GR_OK)
            gr_buf_printf(why, "%s: %s", path,
                          err == GR_ESYNTAX  ? "one token a line, 16 to 1024 bytes each, at most 8"
                          : err == GR_EACCES ? "cannot be read, or others may read it (mode 0600 is needed)"
                                             : gr_err_name(err));
    }
    return err;
}

enum gr_err
credentials_load(const struct credentials_files *files, struct credentials **out, struct gr_buf *why)
{
    struct credentials *c = gr_sys.realloc(NULL, sizeof *c);
    struct tls_files tls = files->tls;
    enum gr_err err;

    if (!c)
        return GR_ENOMEM;
    memset(c, 0, sizeof *c);
    atomic_init(&c->holders, 1);
    memcpy(c->sans, files->sans, sizeof c->sans);
    if ((err = load_tokens(c, files, why)) != GR_OK)
        goto failed;
    if (named(tls.cert_file)) {
        tls.client_ca_file = tls.client_ca_file ? tls.client_ca_file : "";
        if ((err = tls_load(&tls, &c->tls, why)) != GR_OK)
            goto failed;
    }
    *out = c;
    return GR_OK;
failed:
    credentials_drop(c);
    return err;
}

struct credentials *
credentials_hold(struct credentials *c)
{
    (void)atomic_fetch_add(&c->holders, 1);
    return c;
}

void
credentials_drop(struct credentials *c)
{
    if (!c || atomic_fetch_sub(&c->holders, 1) != 1)
        return;
    tls_free(c->tls);
    explicit_bzero(c, sizeof *c);
    gr_sys.free(c);
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x100000001b3); /* FNV-1a, by words: only difference counts here */
}

uint64_t
credentials_stamp(const struct credentials_files *f)
{
    const char *paths[ROLES + 3] = {f->tls.cert_file, f->tls.key_file, f->tls.client_ca_file};
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    struct stat st;

    for (size_t i = 0; i < ROLES; i++)
        paths[3 + i] = f->tokens[i];
    for (size_t i = 0; i < GR_COUNT(paths); i++) {
        if (!named(paths[i]))
            continue;
        if (stat(paths[i], &st) != 0)
            memset(&st, 0, sizeof st); /* gone: that is a change as well */
        h = mix(h, (uint64_t)st.st_ino);
        h = mix(h, (uint64_t)st.st_size);
        h = mix(h, (uint64_t)st.st_mode);
        h = mix(h, (uint64_t)st.st_mtim.tv_sec);
        h = mix(h, (uint64_t)st.st_mtim.tv_nsec);
        h = mix(h, (uint64_t)st.st_ctim.tv_sec);
        h = mix(h, (uint64_t)st.st_ctim.tv_nsec);
    }
    return h;
}

const struct tokens *
credentials_tokens(const struct credentials *c)
{
    return &c->tokens;
}

const struct tls *
credentials_tls(const struct credentials *c)
{
    return c->tls;
}

struct grant {
    const struct credentials *c;
    unsigned roles;
};

static void
grant_name(void *arg, struct gr_str san)
{
    struct grant *g = arg;

    for (size_t role = 0; role < ROLES; role++)
        for (size_t i = 0; i < g->c->sans[role].n; i++)
            if (gr_str_eq(g->c->sans[role].v[i], san))
                g->roles |= 1u << role;
}

unsigned
credentials_roles(const struct credentials *c, gnutls_session_t session, int64_t *until_s)
{
    struct grant g = {.c = c};
    struct tls_peer peer;

    *until_s = 0;
    if (!c->tls)
        return 0;
    peer = tls_judge(c->tls, session, grant_name, &g);
    *until_s = peer.expires_s;
    return peer.good ? g.roles : 0;
}

bool
credentials_guard(const struct credentials *c, enum role role)
{
    return c->tokens.roles[role].configured || c->sans[role].n > 0;
}
