/* grafana.h - building blocks of dashboards, shared by the emit_grafana files.
 *
 * What every panel gets by construction: the data source variable, title and description, a unit, text beside every colour, and
 * "NO DATA" drawn as such: Grafana would draw an empty or NaN tile in the base colour, which is green unless told otherwise. */
#ifndef GUARDRAIL_COMPILER_GRAFANA_H
#define GUARDRAIL_COMPILER_GRAFANA_H
#include "jsonout.h"
#include "model.h"

#define GRID_WIDTH 24
#define QUERIES_MAX 20 /* visible at once */
#define WORST_MAX 50   /* strips of a timeline, past DASH_MANY guardrails; descriptions say so */

struct dash {
    const struct model *m;
    struct jsonout j;
    cJSON *root, *panels; /* panels: the list that takes the next panel */
    struct strs slices;   /* every compare_within label of the spec, sorted: variables */
    struct gr_buf expr;   /* the query at work */
    struct gr_buf text;   /* a title, legend or description at work */
    int next_id, y;       /* id of the next panel that brings none; grid row below all that is there */
    int queries;          /* visible so far */
    char next_ref;        /* refId of the panel's next target */
    enum gr_err err;      /* the first failure outside j */
};
/* Starts a dashboard "<spec>-<what>": head, links, variables, annotations. span_ms: how far back it looks (not scaled). */
void dash_begin(struct dash *d, const struct model *m, struct gr_str what, int64_t span_ms,
                const char *purpose);
/* Adds the list of annotations; called by dash_begin, for every dashboard (grafana_annotations.c). */
void dash_annotations(struct dash *d);
/* `guardrail_release_phase{spec="x",cluster=~"$cluster"}`, with the first n release labels, appended to d->expr. */
void query_phase_series(struct dash *d, size_t n);
void dash_datasource(struct dash *d, cJSON *object);
/* Adds the variable $guardrail: those of a phase, the worst first and chosen. */
void dash_choice(struct dash *d, const struct phase *p);
/* Adds the variable $instance: the daemons that work by this spec. */
void dash_instances(struct dash *d);
/* Appends its JSON to b and frees everything, also after a failure. */
GR_MUST_USE enum gr_err dash_end(struct dash *d, struct gr_buf *b);

/* Empties d->expr, d->text or a buffer of one's own, keeping its error in mind. */
void dash_settle(struct dash *d, struct gr_buf *b);
void dash_note(struct dash *d, enum gr_err err);

/* -- queries: they append to d->expr ------------------------------------------------------------------------------------- */

/* What a selector asks for, beside spec, release labels and deployment. */
struct sel {
    const struct guardrail *guardrail; /* NULL: all; then slices may be absent from a series */
    const struct phase *phase;         /* NULL: any */
    const char *more;                  /* further matchers, ",level=\"hard\"" */
    bool no_slices;                    /* of series without slice labels */
    int worst;                         /* query_worst_first: only so many; 0: all */
};
void query_select(struct dash *d, const char *series, const struct sel *s);
/* The i-th label that a series of g (NULL: of any guardrail) may have: release labels, then slice labels, then dynamic ones; empty past
 * the last. */
struct gr_str dash_label(const struct dash *d, const struct guardrail *g, size_t i);
/* "cluster, flow, venue": all of them. */
void query_labels(struct dash *d, const struct guardrail *g);
/* The same without the dynamic ones: what `expect` lists. Slices of a dynamic label come and go, and with them the one that waits for them, so
 * that strips of each would be full of holes. legend_expected fits. */
void query_expected(struct dash *d, const struct guardrail *g);
void legend_expected(struct dash *d, const struct guardrail *g);
/* "cluster, deployment_id": what identifies a release; and its legend. */
void query_stream(struct dash *d);
void legend_stream(struct dash *d);
/* The verdicts selected, one series for each combination of `labels`, worst of the shown time range first: Prometheus sorts series
 * by their labels, so a label that sorts before all others carries the rank. */
void query_worst_first(struct dash *d, const char *labels, const struct sel *s);

/* -- panels -------------------------------------------------------------------------------------------------------------- */

struct panel {
    const char *type;
    struct gr_str title, description;
    int x, w, h; /* at grid row d->y */
    uint32_t id; /* outname_panel of a guardrail's; 0: the next fixed one */
};
/* Adds a panel with an empty target list; the next targets are its. */
cJSON *panel_add(struct dash *d, const struct panel *p);
/* Adds d->expr (and empties it). legend: of d->text (and empties it) when NULL. */
void panel_target(struct dash *d, cJSON *panel, const char *legend, bool instant, bool table);
/* "{{venue}} {{flow}} {{cluster}}" of a guardrail (NULL: of all) appended to d->text, each with a space in front: release labels last, for long
 * names are cut at the end. */
void legend_labels(struct dash *d, const struct guardrail *g);
/* fieldConfig.defaults with unit, noValue, neutral base threshold and the NO DATA mapping; *mappings is the list for more. */
cJSON *panel_field(struct dash *d, cJSON *panel, const char *unit, cJSON **mappings);
cJSON *panel_options(struct dash *d, cJSON *panel);
/* Options of a tile whose background says the state; text_mode "value" or "value_and_name". */
void stat_options(struct dash *d, cJSON *panel, const char *text_mode);
/* Options and custom fields of a state-timeline; after panel_field. */
void timeline_options(struct dash *d, cJSON *panel, bool legend);
/* An override: returns its list of properties, for series whose name matches the regular expression, or exactly. */
cJSON *panel_override(struct dash *d, cJSON *panel, const char *matcher, const char *options);
void property_color(struct dash *d, cJSON *properties, const char *color);
void property_num(struct dash *d, cJSON *properties, const char *id, double v);
void property_str(struct dash *d, cJSON *properties, const char *id, const char *v);
/* Colours that people with any kind of colour vision tell apart (M. Okabe, K. Ito, "Color Universal Design", 2008), on light and on dark; a
 * word and a sign stand beside each, never the colour alone. */
#define COLOR_GOOD "#009E73"
#define COLOR_EARLY "#56B4E9"
#define COLOR_SOON "#80CBF5"    /* it for fills, written on in black: nothing is wrong, only too soon */
#define COLOR_UNKNOWN "#F0E442" /* insufficient: neither good nor bad */
#define COLOR_WARN "#FFB11B"    /* lighter than theirs, so that Grafana writes on it in black */
#define COLOR_WARN_LINE "#E69F00"
#define COLOR_BAD "#D55E00"
#define COLOR_REST "#808080" /* nothing to say */
#define COLOR_NO_DATA "purple"
#define COLOR_GAP "#B877D94D" /* of timelines; not grey: so looks our green to people who do not see green */
struct mapping {
    int value;
    const char *text, *color;
};
void mappings_add(struct dash *d, cJSON *mappings, const struct mapping *rows, size_t n);
/* healthy, insufficient, soft, hard. */
extern const struct mapping verdict_mappings[4];
/* -- tables: after panel_field ------------------------------------------------------------------------------------------- */

struct column {
    const char *field, *title; /* field NULL: the labels stand here; title NULL: left out */
};
/* The order and titles of columns; merge: rows of several targets with the same labels become one ("Value #A", "Value #B" …).
 * worst_first: rows come by this field, greatest first, also where it is not shown; NULL: as they come. */
void table_columns(struct dash *d, cJSON *panel, bool merge, const char *worst_first,
                   const struct column *columns, size_t n);
/* sort_by NULL: as the rows come. */
void table_options(struct dash *d, cJSON *panel, const char *sort_by, bool descending);
void table_cells(struct dash *d, cJSON *defaults);
/* Returns the properties of a column of that width (0: any), for more. */
cJSON *table_column(struct dash *d, cJSON *panel, const char *column, int width);
/* A state in words on its colour. */
void table_states(struct dash *d, cJSON *panel, const char *column, const struct mapping *rows, size_t n);
/* The same for a column of words. */
struct word {
    const char *word, *text, *color;
};
void table_words(struct dash *d, cJSON *panel, const char *column, const struct word *rows, size_t n);
/* The column of guardrails' names, each a link to its panel in the dashboard of the row's phase, with time range and variables. The rows
 * need the columns "Phase", "Deployment" and the release labels, and a label PANEL_LABEL, which is not shown: it holds the guardrail's name
 * once more and is mapped to the panel's id. */
#define PANEL_LABEL "panel"
void table_guardrails(struct dash *d, cJSON *panel, const char *column, int width);
/* A column that links read and nobody sees. */
void table_hide(struct dash *d, cJSON *properties);
/* In a column with these properties an empty cell is nothing to worry about: `text`. */
void table_no_value(struct dash *d, cJSON *properties, const char *text);
/* A label that a series does not have is no missing data: a dash. Before table_guardrails: later overrides win. */
void table_empty_labels(struct dash *d, cJSON *panel);

/* A row's header. Collapsed: panels added until row_end belong to it and do not count as visible. */
cJSON *row_begin(struct dash *d, struct gr_str title, bool collapsed);
/* The same with an id of its own, of rows that come and go with the spec's guardrails: links to panels must not shift. */
cJSON *row_begin_as(struct dash *d, uint32_t id, struct gr_str title, bool collapsed);
void row_end(struct dash *d, cJSON *row);

/* A state-timeline of verdicts, worst first; d->y is not moved. labels as for query_worst_first; the legend stands in d->text. */
void verdict_timeline(struct dash *d, const struct panel *p, const char *labels, const struct sel *s);
/* "May this release go on?": one tile per stream and deployment, and what speaks against it; p: of one phase, or NULL. d->y is not moved. */
void answer_stat(struct dash *d, const struct panel *look, const struct phase *p);
void reasons_table(struct dash *d, const struct panel *look, const struct phase *p);
/* A column of reasons' names (missing, thin …), told in words. */
void reasons_column(struct dash *d, cJSON *panel, const char *column, int width);
/* -- one guardrail in one phase ------------------------------------------------------------------------------------------ */

/* Which of a guardrail's ids (outname_panel) a panel has. Appended to only: links that were sent out must stay right. */
enum { PANEL_VALUE, PANEL_VERDICT, PANEL_EVIDENCE, PANEL_COVERAGE };
#define PANEL_HEIGHT 8
/* Canary, control and limits, half as wide as the grid; d->y is not moved. Two queries, or three where value_shows_slots. */
void value_panel(struct dash *d, const struct guardrail *g, const struct phase *p, int x);
bool value_shows_slots(const struct guardrail *g);
/* How such lines look. canary: what their legend begins with. */
void value_look(struct dash *d, cJSON *panel, const char *unit, struct gr_str canary, bool low_is_bad);
/* Whether a guardrail has a backstop, or a limit that is none. */
bool limit_has_side(const struct guardrail *g, bool backstop);

/* A folded row: the canary's share of the traffic, planned and observed. p: of one phase, or NULL. */
void share_row(struct dash *d, const struct phase *p);

GR_MUST_USE enum gr_err grafana_audit(const struct model *m, struct gr_buf *b);
GR_MUST_USE enum gr_err grafana_overview(const struct model *m, struct gr_buf *b);
GR_MUST_USE enum gr_err grafana_phase(const struct model *m, const struct phase *p, struct gr_buf *b);
/* Whether any guardrail watches the phase: only then it has a dashboard. */
bool grafana_watched(const struct model *m, const struct phase *p);
#endif
