/* spec_program.c - programs as argument vectors, and the {placeholders} in them. */
#include "config.h"
#include "spec_parts.h"

#define PROGRAM_TIMEOUT_MS 60000

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Finds the next {word} at or after *at: *at is then its brace, *end behind it. Other braces are plain
 * text. */
static bool
next_placeholder(struct gr_str text, size_t *at, size_t *end)
{
    for (; *at < text.n; (*at)++) {
        size_t i = *at + 1;

        if (text.p[*at] != '{')
            continue;
        while (i < text.n && is_word(text.p[i]))
            i++;
        if (i == *at + 1 || i >= text.n || text.p[i] != '}')
            continue;
        *end = i + 1;
        return true;
    }
    return false;
}

struct strs
known_placeholders(struct spec *s, enum placeholders allowed)
{
    struct strs known = {NULL, 0};

    (void)strs_add(s, &known, GR_STR("deployment_id"));
    (void)strs_add(s, &known, GR_STR("spec"));
    (void)strs_add(s, &known, GR_STR("phase"));
    if (allowed == PLACEHOLDERS_BREACH)
        (void)strs_add(s, &known, GR_STR("guardrail"));
    if (allowed == PLACEHOLDERS_TRAFFIC)
        (void)strs_add(s, &known, GR_STR("traffic_share"));
    for (size_t i = 0; i < s->m->release_labels.n; i++)
        (void)strs_add(s, &known, s->m->release_labels.v[i]);
    return known;
}

bool
check_placeholders(struct spec *s, const struct gr_node *text, const struct strs *known)
{
    size_t at = 0, end = 0;
    bool ok = true;

    for (; next_placeholder(text->text, &at, &end); at = end) {
        struct gr_str word = gr_str_sub(text->text, at + 1, end - 1);

        if (strs_has(known, word))
            continue;
        gr_diag(s->d, GR0315, spec_within(s, text, at, end),
                spec_suggest(s, word, known, "placeholders here"), "unknown placeholder {" GR_FMT "}",
                GR_ARG(word));
        ok = false;
    }
    return ok;
}

/* The program itself: a plain path or name. No value of a label may choose what runs. */
static bool
check_program(struct spec *s, const struct gr_node *program)
{
    struct gr_str rest = program->text, piece;
    size_t at = 0, end = 0;

    if (next_placeholder(program->text, &at, &end)) {
        gr_diag(s->d, GR0315, spec_within(s, program, at, end),
                GR_STR("name the program outright; placeholders are for its arguments"),
                "a placeholder cannot choose the program");
        return false;
    }
    while (gr_str_next(&rest, '/', &piece))
        if (gr_str_is(piece, "..")) {
            gr_diag(s->d, GR0104, program->span, GR_STR("write an absolute path, or one below actions_dir"),
                    "a program's path has no \"..\"");
            return false;
        }
    return true;
}

struct strs
read_argv(struct spec *s, const struct gr_node *list, enum placeholders allowed)
{
    struct strs known = known_placeholders(s, allowed), argv = {NULL, 0};
    bool ok = list != NULL;

    gr_node_each (item, list) {
        if (spec_poisoned(s, item))
            ok = false;
        else if (item == list->first)
            ok = check_program(s, item) && ok;
        else if (s->m->release_labels.n > 0) /* else every placeholder of a release label would be unknown */
            ok = check_placeholders(s, item, &known) && ok;
    }
    return ok ? spec_node_texts(s, list) : argv;
}

bool
read_program(struct spec *s, const struct gr_node *map, enum placeholders allowed, struct program *out)
{
    const struct gr_node *run = spec_get(s, map, "run"), *pipeline = spec_get(s, map, "pipeline");

    out->timeout_ms = spec_duration(s, map, "timeout", PROGRAM_TIMEOUT_MS);
    if (!run && !pipeline)
        return false;
    if (!(out->argv = gr_arena_array(s->a, run ? 1 : pipeline->count, sizeof *out->argv)))
        return false;
    if (run) {
        out->argv[out->n_argv++] = read_argv(s, run, allowed);
        return out->argv[0].n > 0;
    }
    gr_node_each (item, pipeline)
        out->argv[out->n_argv++] = read_argv(s, item, allowed);
    return true;
}
