#include "config.h"
#include "check_secrets.h"

#include "outnames.h"

#define NAME_BYTES_MAX 4096u

static struct gr_str
file_of(const struct action *a)
{
    return a->kind == ACTION_PAGERDUTY ? outname_setting(a, "routing_key_file")
           : a->kind == ACTION_SLACK
               ? outname_setting(a,
                                 outname_setting(a, "token_file").n > 0 ? "token_file" : "webhook_url_file")
               : GR_STR_NONE;
}

void
check_secrets(const struct model *m, const char *what, void (*name)(struct gr_buf *b, struct gr_str file),
              struct gr_diags *d)
{
    for (size_t i = 0; i < m->n_actions && m->webhook_token_file.n > 0; i++) {
        struct gr_str file = file_of(&m->actions[i]);
        struct gr_buf one = GR_BUF_INIT(NAME_BYTES_MAX), two = GR_BUF_INIT(NAME_BYTES_MAX);

        name(&one, m->webhook_token_file);
        name(&two, file);
        if (file.n > 0 && !gr_str_eq(file, m->webhook_token_file) &&
            gr_str_eq(gr_buf_str(&one), gr_buf_str(&two)))
            gr_diag(d, GR0712, m->actions[i].span, GR_STR("rename one of the files"),
                    "the secrets " GR_FMT " and " GR_FMT " would be %s, " GR_FMT,
                    GR_ARG(m->webhook_token_file), GR_ARG(file), what, GR_ARG(gr_buf_str(&one)));
        gr_buf_fini(&one);
        gr_buf_fini(&two);
    }
}
