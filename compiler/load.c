/* load.c - the files of a specification. */
#include "config.h"
#include "load.h"
#include "spec.h"

#include "guardrail/file.h"
#include "guardrail/quote.h"

static enum gr_err
read_file(void *context, const char *path, struct gr_buf *text)
{
    (void)context;
    return gr_file_read(path, text);
}

const struct load_reader load_files = {.read = read_file};

static enum gr_err
unreadable(struct gr_diags *d, struct gr_str name, enum gr_err err)
{
    struct gr_buf quoted = GR_BUF_INIT(8192);

    if (err == GR_ENOMEM)
        return err;
    gr_quote_log(&quoted, name);
    if (err == GR_ELIMIT)
        gr_diag(d, GR0002, GR_SPAN_NONE, GR_STR("split it: release streams can have a spec each"),
                "%s is one file too many, or larger than %u bytes", gr_buf_cstr(&quoted), SPEC_BYTES_MAX);
    else
        gr_diag(d, GR0001, GR_SPAN_NONE, GR_STR("check the path and its permissions"), "cannot read %s: %s",
                gr_buf_cstr(&quoted), gr_err_name(err));
    gr_buf_fini(&quoted);
    return err;
}

enum gr_err
spec_open(struct gr_arena *a, struct gr_sources *sources, const char *path, struct spec_options options,
          struct gr_diags *d, struct model **out)
{
    const struct load_reader *reader = options.reader ? options.reader : &load_files;
    struct gr_buf text = GR_BUF_INIT(SPEC_BYTES_MAX), name = GR_BUF_INIT(8192);
    uint32_t file = 0;
    enum gr_err err = reader->read(reader->context, path, &text);

    gr_buf_printf(&name, "%s%s", reader->prefix ? reader->prefix : "", path);
    if (err == GR_OK)
        err = gr_buf_err(&name);
    if (err == GR_OK)
        err = gr_sources_add(sources, gr_buf_str(&name), gr_buf_str(&text), &file);
    if (err == GR_OK)
        err = spec_read(a, sources, file, options, d, out);
    else
        err = unreadable(d, gr_buf_str(&name), err);
    gr_buf_fini(&text);
    gr_buf_fini(&name);
    return err;
}
