#include "config.h"
#include "guardrail/source.h"

#include "guardrail/sys.h"

struct file {
    struct gr_source source; /* name and text point into bytes */
    uint32_t *lines;         /* owned: offset of each line's first byte; lines[0] is 0 */
    uint32_t line_count;
    char bytes[]; /* name, NUL, text, NUL */
};

/* Pointers, not structs, in a fixed table: what gr_sources_get returned stays where it is when files are added. */
struct gr_sources {
    struct file *files[GR_SOURCES_MAX]; /* owned; index i is file i + 1 */
    size_t count;
};

struct gr_sources *
gr_sources_create(void)
{
    struct gr_sources *s = gr_sys.realloc(NULL, sizeof *s);

    if (s)
        s->count = 0;
    return s;
}

static void
file_free(struct file *f)
{
    if (!f)
        return;
    gr_sys.free(f->lines);
    gr_sys.free(f);
}

void
gr_sources_free(struct gr_sources *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        file_free(s->files[i]);
    gr_sys.free(s);
}

/* A line ends at LF; a CR before it belongs to the line end, see gr_sources_line. */
static bool
index_lines(struct file *f)
{
    struct gr_str text = f->source.text;
    uint32_t at = 0;

    f->line_count = 1;
    for (size_t i = 0; i < text.n; i++)
        f->line_count += text.p[i] == '\n';
    if (!(f->lines = gr_sys.realloc(NULL, f->line_count * sizeof *f->lines)))
        return false;
    f->lines[at++] = 0;
    for (uint32_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n')
            f->lines[at++] = i + 1;
    return true;
}

static struct file *
file_create(struct gr_str name, struct gr_str text)
{
    struct file *f = gr_sys.realloc(NULL, sizeof *f + name.n + text.n + 2);
    char *copy;

    if (!f)
        return NULL;
    copy = f->bytes + name.n + 1;
    if (name.n)
        memcpy(f->bytes, name.p, name.n);
    if (text.n)
        memcpy(copy, text.p, text.n);
    f->bytes[name.n] = copy[text.n] = '\0';
    f->source = (struct gr_source){{f->bytes, name.n}, {copy, text.n}};
    f->lines = NULL;
    if (!index_lines(f)) {
        file_free(f);
        f = NULL;
    }
    return f;
}

enum gr_err
gr_sources_add(struct gr_sources *s, struct gr_str name, struct gr_str text, uint32_t *file)
{
    struct file *f;

    if (s->count >= GR_SOURCES_MAX || text.n > GR_SOURCE_BYTES_MAX || name.n > GR_SOURCE_BYTES_MAX)
        return GR_ELIMIT;
    if (!(f = file_create(name, text)))
        return GR_ENOMEM;
    s->files[s->count++] = f;
    *file = (uint32_t)s->count;
    return GR_OK;
}

static const struct file *
file_at(const struct gr_sources *s, uint32_t file)
{
    GR_ASSERT(file >= 1 && file <= s->count);
    return s->files[file - 1];
}

const struct gr_source *
gr_sources_get(const struct gr_sources *s, uint32_t file)
{
    return &file_at(s, file)->source;
}

/* Index of the line that holds byte `offset`. */
static uint32_t
line_of(const struct file *f, uint32_t offset)
{
    uint32_t low = 0, high = f->line_count;

    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (f->lines[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

struct gr_place
gr_sources_place(const struct gr_sources *s, uint32_t file, uint32_t offset)
{
    const struct file *f = file_at(s, file);
    struct gr_str text = f->source.text;
    uint32_t end = offset > text.n ? (uint32_t)text.n : offset, line = line_of(f, end), column = 1;

    for (uint32_t i = f->lines[line]; i < end; i++)
        column += ((unsigned char)text.p[i] & 0xc0) !=
                  0x80; /* continuation bytes belong to the code point before */
    return (struct gr_place){line + 1, column};
}

struct gr_str
gr_sources_line(const struct gr_sources *s, uint32_t file, uint32_t line)
{
    const struct file *f = file_at(s, file);
    struct gr_str text = f->source.text, got;

    if (line < 1 || line > f->line_count)
        return GR_STR_NONE;
    got = gr_str_sub(text, f->lines[line - 1], line < f->line_count ? f->lines[line] - 1 : text.n);
    if (line < f->line_count && gr_str_ends(got, GR_STR("\r")))
        got.n--;
    return got;
}

struct gr_span
gr_span_join(struct gr_span a, struct gr_span b)
{
    if (a.file == 0)
        return b;
    if (b.file == 0)
        return a;
    GR_ASSERT(a.file == b.file);
    return (struct gr_span){a.file, a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
}
