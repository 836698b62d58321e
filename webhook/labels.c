#include "config.h"
#include "labels.h"

enum gr_err
labels_sort(struct label *items, size_t count)
{
    /* Insertion: sets are short, and the order of equal names must not depend on a library. */
    for (size_t i = 1; i < count; i++) {
        struct label moved = items[i];
        size_t at = i;

        for (; at > 0 && gr_str_cmp(items[at - 1].name, moved.name) > 0; at--)
            items[at] = items[at - 1];
        items[at] = moved;
    }
    for (size_t i = 1; i < count; i++)
        if (gr_str_eq(items[i - 1].name, items[i].name))
            return GR_EEXIST;
    return GR_OK;
}

struct gr_str
labels_get(struct label_set set, struct gr_str name)
{
    for (size_t i = 0; i < set.count; i++)
        if (gr_str_eq(set.items[i].name, name))
            return set.items[i].value.p ? set.items[i].value : GR_STR("");
    return GR_STR_NONE;
}

bool
labels_within(struct label_set part, struct label_set whole)
{
    for (size_t i = 0; i < part.count; i++) {
        struct gr_str value = labels_get(whole, part.items[i].name);

        if (!value.p || !gr_str_eq(value, part.items[i].value))
            return false;
    }
    return true;
}

bool
labels_equal(struct label_set a, struct label_set b)
{
    return a.count == b.count && labels_within(a, b);
}

static bool
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void
label_print_key(struct gr_buf *b, struct gr_str value)
{
    static const char hex[] = "0123456789ABCDEF";

    if (value.n == 1 && value.p[0] == '-') { /* "-" alone stands for the empty text */
        gr_buf_puts(b, "%2D");
        return;
    }
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (is_plain(value.p[i])) {
            gr_buf_putc(b, value.p[i]);
            continue;
        }
        gr_buf_putc(b, '%');
        gr_buf_putc(b, hex[c >> 4]);
        gr_buf_putc(b, hex[c & 15]);
    }
    if (value.n == 0)
        gr_buf_putc(b, '-');
}

void
labels_print_key(struct gr_buf *b, struct label_set set)
{
    for (size_t i = 0; i < set.count; i++) {
        if (i > 0)
            gr_buf_putc(b, ',');
        label_print_key(b, set.items[i].name);
        gr_buf_putc(b, '=');
        label_print_key(b, set.items[i].value);
    }
    if (set.count == 0)
        gr_buf_putc(b, '-');
}

void
labels_print(struct gr_buf *b, struct label_set set)
{
    for (size_t i = 0; i < set.count; i++) {
        gr_buf_puts(b, i > 0 ? ", " : "");
        gr_buf_put(b, set.items[i].name);
        gr_buf_putc(b, '=');
        gr_buf_put(b, set.items[i].value);
    }
}

enum gr_err
labels_pick(struct gr_arena *a, struct label_set from, const struct gr_str *names, size_t count,
            struct label_set *out)
{
    struct label *items = gr_arena_array(a, count, sizeof *items);
    size_t n = 0;

    if (!items)
        return GR_ENOMEM;
    for (size_t i = 0; i < from.count; i++) /* in the order of `from`, so the result is sorted as well */
        for (size_t k = 0; k < count; k++)
            if (gr_str_eq(from.items[i].name, names[k])) {
                items[n++] = from.items[i];
                break;
            }
    *out = (struct label_set){items, n};
    return GR_OK;
}
