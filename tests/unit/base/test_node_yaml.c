#include "config.h"
#include "guardrail/node.h"

#include "guardrail/quote.h"
#include "test_base.h"
#include "tree.h"

/* What tree_read says of a text: the whole tree with the bytes of every span, or the findings. */
static const struct {
    const char *name;
    struct gr_str text;
    const char *want;
} rows[] = {
    {"empty file", GR_STR_INIT(""), "null@0<>"},
    {"only blanks", GR_STR_INIT("\n  \n"), "null@0<>"},
    {"only a comment", GR_STR_INIT("# nothing\n"), "null@0<>"},
    {"only a document mark", GR_STR_INIT("---\n"), "null@4<>"},
    {"plain root", GR_STR_INIT("word"), "p\"word\"@0<word>"},
    {"plain, trailing comment", GR_STR_INIT("a: b c # d\n"), "{\"a\"@0<a>: p\"b c\"@3<b c>}@0<a: b c>"},
    {"plain, several lines", GR_STR_INIT("a: b\n  c\n\n  d\ne: f\n"),
     "{\"a\"@0<a>: p\"b c\\nd\"@3<b\\x0a  c\\x0a\\x0a  d>, \"e\"@14<e>: p\"f\"@17<f>}@0<a: b\\x0a  "
     "c\\x0a\\x0a  d\\x0ae: f>"},
    {"plain with colon", GR_STR_INIT("a: b:c\n"), "{\"a\"@0<a>: p\"b:c\"@3<b:c>}@0<a: b:c>"},
    {"single quotes", GR_STR_INIT("a: 'it''s'\n"), "{\"a\"@0<a>: q\"it's\"@3<'it''s'>}@0<a: 'it''s'>"},
    {"double quotes", GR_STR_INIT("a: \"x\\ty\\u00e9\"\n"),
     "{\"a\"@0<a>: q\"x\\ty\xc3\xa9\"@3<\"x\\\\ty\\\\u00e9\">}@0<a: \"x\\\\ty\\\\u00e9\">"},
    {"quoted over lines", GR_STR_INIT("a: \"b\n   c\"\nd: e\n"),
     "{\"a\"@0<a>: q\"b c\"@3<\"b\\x0a   c\">, \"d\"@12<d>: p\"e\"@15<e>}@0<a: \"b\\x0a   c\"\\x0ad: e>"},
    {"quoted key", GR_STR_INIT("\"a b\" : c\n"), "{\"a b\"@0<\"a b\">: p\"c\"@8<c>}@0<\"a b\" : c>"},
    {"literal", GR_STR_INIT("a: |\n  one\n   two\n\n\nb: c\n"),
     "{\"a\"@0<a>: b\"one\\n two\\n\"@3<|\\x0a  one\\x0a   two>, \"b\"@20<b>: p\"c\"@23<c>}@0<a: |\\x0a  "
     "one\\x0a   two\\x0a\\x0a\\x0ab: c>"},
    {"folded, strip", GR_STR_INIT("a: >-\n  one\n  two\n"),
     "{\"a\"@0<a>: b\"one two\"@3<>-\\x0a  one\\x0a  two>}@0<a: >-\\x0a  one\\x0a  two>"},
    {"literal, keep", GR_STR_INIT("a: |+\n  one\n\nb: c\n"),
     "{\"a\"@0<a>: b\"one\\n\\n\"@3<|+\\x0a  one>, \"b\"@13<b>: p\"c\"@16<c>}@0<a: |+\\x0a  one\\x0a\\x0ab: "
     "c>"},
    {"literal, indented by hand", GR_STR_INIT("a: |2\n    x\n"),
     "{\"a\"@0<a>: b\"  x\\n\"@3<|2\\x0a    x>}@0<a: |2\\x0a    x>"},
    {"literal, comment behind the mark", GR_STR_INIT("a: | # why\n  x\n# no part\nb: c\n"),
     "{\"a\"@0<a>: b\"x\\n\"@3<| # why\\x0a  x>, \"b\"@25<b>: p\"c\"@28<c>}@0<a: | # why\\x0a  x\\x0a# no "
     "part\\x0ab: c>"},
    {"literal without text", GR_STR_INIT("a: |\nb: c\n"),
     "{\"a\"@0<a>: b\"\"@3<|>, \"b\"@5<b>: p\"c\"@8<c>}@0<a: |\\x0ab: c>"},
    {"literal at the end, no line end", GR_STR_INIT("a: |\n  x"),
     "{\"a\"@0<a>: b\"x\"@3<|\\x0a  x>}@0<a: |\\x0a  x>"},
    {"flow list", GR_STR_INIT("a: [b, 'c' , d ]  \n"),
     "{\"a\"@0<a>: [p\"b\"@4<b>, q\"c\"@7<'c'>, p\"d\"@13<d>]@3<[b, 'c' , d ]>}@0<a: [b, 'c' , d ]>"},
    {"flow list over lines", GR_STR_INIT("a: [\n  b,\n  c,\n]\n\n"),
     "{\"a\"@0<a>: [p\"b\"@7<b>, p\"c\"@12<c>]@3<[\\x0a  b,\\x0a  c,\\x0a]>}@0<a: [\\x0a  b,\\x0a  "
     "c,\\x0a]>"},
    {"flow map", GR_STR_INIT("a: {b: c, d, \"e\":f, g: }\n"),
     "{\"a\"@0<a>: {\"b\"@4<b>: p\"c\"@7<c>, \"d\"@10<d>: null@11<>, \"e\"@13<\"e\">: p\"f\"@17<f>, "
     "\"g\"@20<g>: null@22<>}@3<{b: c, d, \"e\":f, g: }>}@0<a: {b: c, d, \"e\":f, g: }>"},
    {"pair in a flow list", GR_STR_INIT("[a: b, c]\n"),
     "[{\"a\"@1<a>: p\"b\"@4<b>}@1<a: b>, p\"c\"@7<c>]@0<[a: b, c]>"},
    {"empty brackets", GR_STR_INIT("a: []\nb: {}\n"),
     "{\"a\"@0<a>: []@3<[]>, \"b\"@6<b>: {}@9<{}>}@0<a: []\\x0ab: {}>"},
    {"block list", GR_STR_INIT("- a\n- b\n\n\n# end\n"), "[p\"a\"@2<a>, p\"b\"@6<b>]@0<- a\\x0a- b>"},
    {"list under its key's indent", GR_STR_INIT("a:\n- b\n- c\nd: e\n"),
     "{\"a\"@0<a>: [p\"b\"@5<b>, p\"c\"@9<c>]@3<- b\\x0a- c>, \"d\"@11<d>: p\"e\"@14<e>}@0<a:\\x0a- b\\x0a- "
     "c\\x0ad: e>"},
    {"list in a list", GR_STR_INIT("- - a\n  - b\n- c\n"),
     "[[p\"a\"@4<a>, p\"b\"@10<b>]@2<- a\\x0a  - b>, p\"c\"@14<c>]@0<- - a\\x0a  - b\\x0a- c>"},
    {"map in a list", GR_STR_INIT("- a: b\n  c: d\n-\n  e: f\n"),
     "[{\"a\"@2<a>: p\"b\"@5<b>, \"c\"@9<c>: p\"d\"@12<d>}@2<a: b\\x0a  c: d>, {\"e\"@18<e>: "
     "p\"f\"@21<f>}@18<e: f>]@0<- a: b\\x0a  c: d\\x0a-\\x0a  e: f>"},
    {"map ends before blank lines", GR_STR_INIT("a:\n  b: c\n\n# x\n\nd: e\n"),
     "{\"a\"@0<a>: {\"b\"@5<b>: p\"c\"@8<c>}@5<b: c>, \"d\"@16<d>: p\"e\"@19<e>}@0<a:\\x0a  b: c\\x0a\\x0a# "
     "x\\x0a\\x0ad: e>"},
    {"explicit keys", GR_STR_INIT("? a\n: b\n? c\n"),
     "{\"a\"@2<a>: p\"b\"@6<b>, \"c\"@10<c>: null@11<>}@0<? a\\x0a: b\\x0a? c>"},
    {"explicit end", GR_STR_INIT("--- \na: b\n...\n"), "{\"a\"@5<a>: p\"b\"@8<b>}@5<a: b>"},
    {"carriage returns", GR_STR_INIT("a: b\r\nc: |\r\n  d\r\n\r\ne: f\r\n"),
     "{\"a\"@0<a>: p\"b\"@3<b>, \"c\"@6<c>: b\"d\\n\"@9<|\\x0d\\x0a  d>, \"e\"@19<e>: p\"f\"@22<f>}@0<a: "
     "b\\x0d\\x0ac: |\\x0d\\x0a  d\\x0d\\x0a\\x0d\\x0ae: f>"},
    {"byte order mark",
     GR_STR_INIT("\xef\xbb\xbf"
                 "a: b\n"),
     "{\"a\"@3<a>: p\"b\"@6<b>}@3<a: b>"},
    {"two-byte characters", GR_STR_INIT("\xc3\xa4: \xc3\xb6\n\xc3\xbc: '\xc3\xa9'\n"),
     "{\"\xc3\xa4\"@0<\xc3\xa4>: p\"\xc3\xb6\"@4<\xc3\xb6>, \"\xc3\xbc\"@7<\xc3\xbc>: "
     "q\"\xc3\xa9\"@11<'\xc3\xa9'>}@0<\xc3\xa4: \xc3\xb6\\x0a\xc3\xbc: '\xc3\xa9'>"},
    {"four-byte characters", GR_STR_INIT("a: [\xf0\x9f\x98\x80, 'x\xf0\x9f\x98\x80']\nb: c\n"),
     "{\"a\"@0<a>: [p\"\xf0\x9f\x98\x80\"@4<\xf0\x9f\x98\x80>, "
     "q\"x\xf0\x9f\x98\x80\"@10<'x\xf0\x9f\x98\x80'>]@3<[\xf0\x9f\x98\x80, 'x\xf0\x9f\x98\x80']>, "
     "\"b\"@19<b>: p\"c\"@22<c>}@0<a: [\xf0\x9f\x98\x80, 'x\xf0\x9f\x98\x80']\\x0ab: c>"},
    {"wide before a block", GR_STR_INIT("a: \xc3\xbc\nb:\n  - \xc3\xa9\n  - \"\xe2\x82\xac\"\nc: d\n"),
     "{\"a\"@0<a>: p\"\xc3\xbc\"@3<\xc3\xbc>, \"b\"@6<b>: [p\"\xc3\xa9\"@13<\xc3\xa9>, "
     "q\"\xe2\x82\xac\"@20<\"\xe2\x82\xac\">]@11<- \xc3\xa9\\x0a  - \"\xe2\x82\xac\">, \"c\"@26<c>: "
     "p\"d\"@29<d>}@0<a: \xc3\xbc\\x0ab:\\x0a  - \xc3\xa9\\x0a  - \"\xe2\x82\xac\"\\x0ac: d>"},
    {"nulls", GR_STR_INIT("a: ~\nb: null\nc: Null\nd: NULL\ne:\nf: # c\ng: ''\nh: nULL\n"),
     "{\"a\"@0<a>: null@3<~>, \"b\"@5<b>: null@8<null>, \"c\"@13<c>: null@16<Null>, \"d\"@21<d>: "
     "null@24<NULL>, \"e\"@29<e>: null@31<>, \"f\"@32<f>: null@34<>, \"g\"@39<g>: q\"\"@42<''>, \"h\"@45<h>: "
     "p\"nULL\"@48<nULL>}@0<a: ~\\x0ab: null\\x0ac: Null\\x0ad: NULL\\x0ae:\\x0af: # c\\x0ag: ''\\x0ah: "
     "nULL>"},
    {"null in a list", GR_STR_INIT("-\n- ~\n-\n"), "[null@1<>, null@4<~>, null@7<>]@0<-\\x0a- ~\\x0a->"},
    {"no Norway", GR_STR_INIT("a: no\nb: yes\nc: 0x1F\nd: 12:30\ne: true\n"),
     "{\"a\"@0<a>: p\"no\"@3<no>, \"b\"@6<b>: p\"yes\"@9<yes>, \"c\"@13<c>: p\"0x1F\"@16<0x1F>, \"d\"@21<d>: "
     "p\"12:30\"@24<12:30>, \"e\"@30<e>: p\"true\"@33<true>}@0<a: no\\x0ab: yes\\x0ac: 0x1F\\x0ad: "
     "12:30\\x0ae: true>"},
    {"quoted merge key", GR_STR_INIT("'<<': a\n"), "{\"<<\"@0<'<<'>: p\"a\"@6<a>}@0<'<<': a>"},
    {"null as a key", GR_STR_INIT("~: a\n"), "{\"~\"@0<~>: p\"a\"@3<a>}@0<~: a>"},
    {"keys differ in case", GR_STR_INIT("a: b\nA: c\n"),
     "{\"a\"@0<a>: p\"b\"@3<b>, \"A\"@5<A>: p\"c\"@8<c>}@0<a: b\\x0aA: c>"},
    {"anchor on a scalar", GR_STR_INIT("a: &x b\n"), "GR0005@3<&x> anchors are not allowed +fix"},
    {"anchor on a map", GR_STR_INIT("a: &x\n  b: c\n"), "GR0005@3<&x> anchors are not allowed +fix"},
    {"anchor on a list", GR_STR_INIT("a: &x [b]\n"), "GR0005@3<&x> anchors are not allowed +fix"},
    {"anchor on a key", GR_STR_INIT("&x a: b\n"), "GR0005@0<&x> anchors are not allowed +fix"},
    {"anchor on nothing", GR_STR_INIT("a: &x\nb: c\n"), "GR0005@3<&x> anchors are not allowed +fix"},
    {"alias", GR_STR_INIT("a: *x\n"), "GR0005@3<*x> aliases are not allowed +fix"},
    {"alias as key", GR_STR_INIT("*x : b\n"), "GR0005@0<*x> aliases are not allowed +fix"},
    {"tag", GR_STR_INIT("a: !!str 1\n"), "GR0005@3<!!str> tags are not allowed +fix"},
    {"own tag", GR_STR_INIT("a: !mine {b: c}\n"), "GR0005@3<!mine> tags are not allowed +fix"},
    {"verbatim tag", GR_STR_INIT("a: !<tag:x,y> b\n"), "GR0005@3<!<tag:x,y>> tags are not allowed +fix"},
    {"tag and anchor", GR_STR_INIT("a: !t &x b\n"),
     "GR0005@3<!t> tags are not allowed +fix; GR0005@6<&x> anchors are not allowed +fix"},
    {"anchor and tag", GR_STR_INIT("a: &x !t [b]\n"),
     "GR0005@3<&x> anchors are not allowed +fix; GR0005@6<!t> tags are not allowed +fix"},
    {"%YAML", GR_STR_INIT("%YAML 1.1\n---\na: b\n"), "GR0005@0<%YAML 1.1> directives are not allowed +fix"},
    {"%TAG", GR_STR_INIT("%TAG !e! tag:x,2000:\n---\na: b\n"),
     "GR0005@0<%TAG !e! tag:x,2000:> directives are not allowed +fix"},
    {"two documents", GR_STR_INIT("a: b\n---\nc: d\n"),
     "GR0005@5<---> only one document is allowed in a file +fix see@0<a>"},
    {"two documents, second without mark", GR_STR_INIT("--- a\n...\nc: d\n"),
     "GR0004@10<c> did not find expected <document start> +fix"},
    {"merge key", GR_STR_INIT("a: {<<: b}\n"), "GR0005@4<<<> merge keys are not allowed +fix"},
    {"map as key", GR_STR_INIT("{a: b}: c\n"), "GR0005@0<{a: b}> a map cannot be a key +fix"},
    {"list as key", GR_STR_INIT("? - a\n  - b\n: c\nd: e\n"),
     "GR0005@2<- a\\x0a  - b> a list cannot be a key +fix"},
    {"duplicate", GR_STR_INIT("a: b\nc: d\na: e\n"),
     "GR0006@10<a> the key \"a\" is here twice +fix see@0<a>"},
    {"three of a kind", GR_STR_INIT("a: b\na: c\na: d\n"),
     "GR0006@5<a> the key \"a\" is here twice +fix see@0<a>; GR0006@10<a> the key \"a\" is here twice +fix "
     "see@0<a>"},
    {"duplicate, written otherwise", GR_STR_INIT("{a: b, \"a\": c, 'a': d}\n"),
     "GR0006@7<\"a\"> the key \"a\" is here twice +fix see@1<a>; GR0006@15<'a'> the key \"a\" is here twice "
     "+fix see@1<a>"},
    {"duplicates at two levels", GR_STR_INIT("a: {x: 1, x: 2}\nb: {x: 1}\na: 1\n"),
     "GR0006@10<x> the key \"x\" is here twice +fix see@4<x>; GR0006@26<a> the key \"a\" is here twice +fix "
     "see@0<a>"},
    {"duplicate in a refused value", GR_STR_INIT("? [k]\n: {x: 1, x: 2}\n"),
     "GR0005@2<[k]> a list cannot be a key +fix; GR0006@15<x> the key \"x\" is here twice +fix see@9<x>"},
    {"NUL byte",
     GR_STR_INIT("a: b\x00"
                 "c\n"),
     "GR0003@4<\\x00> byte 0x00 (NUL) is not allowed +fix"},
    {"escaped NUL", GR_STR_INIT("a: \"b\\0c\"\n"),
     "GR0003@3<\"b\\\\0c\"> text must not contain a NUL character +fix"},
    {"escaped NUL in a key", GR_STR_INIT("\"b\\x00\": c\n"),
     "GR0003@0<\"b\\\\x00\"> text must not contain a NUL character +fix"},
    {"invalid UTF-8", GR_STR_INIT("a: \xc3(\n"), "GR0003@3<\\xc3> byte 0xc3 is not valid UTF-8 here +fix"},
    {"surrogate", GR_STR_INIT("a: \xed\xa0\x80\n"), "GR0003@3<\\xed> byte 0xed is not valid UTF-8 here +fix"},
    {"UTF-16",
     GR_STR_INIT("\xff\xfe"
                 "a\x00:\x00"),
     "GR0003@0<\\xff> byte 0xff is not valid UTF-8 here +fix"},
    {"control character", GR_STR_INIT("a: b\x01\n"),
     "GR0004@4<\\x01> control characters are not allowed +fix"},
    {"control character behind wide ones", GR_STR_INIT("\xc3\xbc: \xc3\xa9\n\xe2\x82\xac: \x7f\n"),
     "GR0004@12<\\x7f> control characters are not allowed +fix"},
    {"tab as indent", GR_STR_INIT("a:\n\tb: c\n"),
     "GR0004@3<\\x09> found character that cannot start any token while scanning for the next token +fix"},
    {"open quote", GR_STR_INIT("a: \"b\nc: d\n"),
     "GR0004@11<> found unexpected end of stream while scanning a quoted scalar +fix see@3<\">"},
    {"open bracket", GR_STR_INIT("a: [b, c\nd: e\n"),
     "GR0004@10<:> did not find expected ',' or ']' while parsing a flow sequence +fix see@3<[>"},
    {"open brace", GR_STR_INIT("a: {b: c\n"),
     "GR0004@9<> did not find expected ',' or '}' while parsing a flow mapping +fix see@3<{>"},
    {"value in a value", GR_STR_INIT("\xc3\xa4: b: c\n"),
     "GR0004@5<:> mapping values are not allowed in this context +fix"},
    {"list in a line", GR_STR_INIT("a: - b\n"),
     "GR0004@3<-> block sequence entries are not allowed in this context +fix"},
    {"reserved character", GR_STR_INIT("a: @b\n"),
     "GR0004@3<@> found character that cannot start any token while scanning for the next token +fix"},
    {"bad indent", GR_STR_INIT("a:\n    b: c\n  d: e\n"),
     "GR0004@14<d> did not find expected key while parsing a block mapping +fix see@0<a>"},
    {"list item out of line", GR_STR_INIT("a:\n  - b\n - c\n"),
     "GR0004@10<-> did not find expected key while parsing a block mapping +fix see@0<a>"},
    {"bad escape", GR_STR_INIT("a: \"\\d\"\n"),
     "GR0004@4<\\\\> found unknown escape character while parsing a quoted scalar +fix see@3<\">"},
    {"lone surrogate escape", GR_STR_INIT("a: \"\\ud800\"\n"),
     "GR0004@6<d> found invalid Unicode character escape code while parsing a quoted scalar +fix see@3<\">"},
    {"unknown tag handle", GR_STR_INIT("a: !x!y b\n"),
     "GR0004@3<!> found undefined tag handle while parsing a node +fix"},
    {"no colon", GR_STR_INIT("a: b\nc\nd: e\n"),
     "GR0004@7<d> could not find expected ':' while scanning a simple key +fix see@5<c>"},
    {"unknown directive", GR_STR_INIT("%FOO\n---\na\n"),
     "GR0004@4<\\x0a> found unknown directive name while scanning a directive +fix see@0<%>"},
    {"value without a key", GR_STR_INIT("a: b\n: c\n"),
     "GR0004@5<:> did not find expected key while parsing a block mapping +fix see@0<a>"},
    {"open bracket at the end", GR_STR_INIT("a: [\n"),
     "GR0004@5<> did not find expected node content while parsing a flow node +fix"},
    {"anchor before a colon", GR_STR_INIT("a: &b:c\n"), "GR0005@3<&b> anchors are not allowed +fix"},
    {"byte order mark inside", GR_STR_INIT("a: !t\n\n\xef\xbb\xbf  b\n"),
     "GR0004@7<\\u{feff}> a byte order mark inside the text +fix"},
    {"several findings", GR_STR_INIT("a: *x\nb: !t y\nc: [\n"),
     "GR0005@3<*x> aliases are not allowed +fix; GR0005@9<!t> tags are not allowed +fix; GR0004@19<> did not "
     "find expected node content while parsing a flow node +fix"},
};

START_TEST(reads_as_the_table_says)
{
    struct gr_buf got = GR_BUF_INIT(100000);
    enum gr_err err = tree_read(&got, gr_yaml_read, rows[_i].text, NULL, false);

    ck_assert_msg(gr_str_is(gr_buf_str(&got), rows[_i].want), "%s: gave %s\nfor      %s", rows[_i].name,
                  gr_buf_cstr(&got), rows[_i].want);
    ck_assert_int_eq(err, strncmp(rows[_i].want, "GR", 2) == 0 ? GR_EUSER : GR_OK);
    gr_buf_fini(&got);
}
END_TEST

/* Every prefix of every text, and every text with one byte put in: nothing crashes, spans stay in bounds. */
START_TEST(survives_cuts_and_insertions)
{
    static const char set[] = "\"'[{}]:-?#&*!|>%\n\t \xc3";
    struct gr_str text = rows[_i].text;
    struct gr_buf got = GR_BUF_INIT(100000), other = GR_BUF_INIT(1000);

    for (size_t at = 0; at <= text.n; at++) {
        gr_buf_reset(&got);
        (void)!tree_read(&got, gr_yaml_read, gr_str_sub(text, 0, at), NULL, false);
        for (size_t i = 0; i < sizeof set - 1; i++) {
            gr_buf_reset(&got);
            gr_buf_reset(&other);
            gr_buf_put(&other, gr_str_sub(text, 0, at));
            gr_buf_putc(&other, set[i]);
            gr_buf_put(&other, gr_str_sub(text, at, text.n));
            (void)!tree_read(&got, gr_yaml_read, gr_buf_str(&other), NULL, false);
            gr_buf_reset(&got);
            (void)!tree_read(&got, gr_yaml_read_foreign, gr_buf_str(&other), NULL, true);
        }
    }
    gr_buf_fini(&got);
    gr_buf_fini(&other);
}
END_TEST

/* The same for files of other programs; without places, as an alias shares the entries of another place. */
static const struct {
    const char *name;
    struct gr_str text;
    const char *want;
} foreign_rows[] = {
    {"alias", GR_STR_INIT("a: &x b\nc: *x\n"), "{\"a\": s\"b\", \"c\": s\"b\"}"},
    {"the newest of one name", GR_STR_INIT("[&x a, *x, &x b, *x]"), "[s\"a\", s\"a\", s\"b\", s\"b\"]"},
    {"alias of a list", GR_STR_INIT("a: &x [b, c]\nd: [*x, *x]\n"),
     "{\"a\": [s\"b\", s\"c\"], \"d\": [[s\"b\", s\"c\"], [s\"b\", s\"c\"]]}"},
    {"merge key", GR_STR_INIT("a: &x {b: c}\nd: {<<: *x}\n"),
     "{\"a\": {\"b\": s\"c\"}, \"d\": {\"<<\": {\"b\": s\"c\"}}}"},
    {"tags that change nothing", GR_STR_INIT("a: !!str ~\nb: !!seq [c]\nd: !!map {}\ne: ! null\n"),
     "{\"a\": s\"~\", \"b\": [s\"c\"], \"d\": {}, \"e\": null}"},
    {"directive", GR_STR_INIT("%YAML 1.1\n---\na: b\n"), "{\"a\": s\"b\"}"},
    {"behind the first document", GR_STR_INIT("a: b\n---\n[\n"), "{\"a\": s\"b\"}"},
    {"rubbish behind the first document", GR_STR_INIT("a: b\n...\nx: [\n"), "{\"a\": s\"b\"}"},
    {"no word behind the first document", GR_STR_INIT("a: b\n...\n@\n"),
     "GR0004@9<@> found character that cannot start any token while scanning for the next token +fix"},
    {"no word in the second document", GR_STR_INIT("a: b\n---\n\"\n"),
     "GR0008@5<---> this document and all behind it are not read +fix; GR0004@11<> found unexpected end of "
     "stream while scanning a quoted scalar +fix see@9<\">"},
    {"unknown alias", GR_STR_INIT("a: *x\n"),
     "GR0005@3<*x> the alias names no value that is complete at this place +fix"},
    {"alias inside its own value", GR_STR_INIT("a: &x [*x]\n"),
     "GR0005@7<*x> the alias names no value that is complete at this place +fix"},
    {"alias as a key", GR_STR_INIT("[&x a, {*x : b}]\n"), "GR0005@8<*x> aliases are not allowed +fix"},
    {"other tags", GR_STR_INIT("a: !!int 5\n"), "GR0005@3<!!int> tags are not allowed +fix"},
};

START_TEST(reads_foreign_files)
{
    struct gr_buf got = GR_BUF_INIT(10000);

    (void)!tree_read(&got, gr_yaml_read_foreign, foreign_rows[_i].text, NULL, true);
    ck_assert_msg(gr_str_is(gr_buf_str(&got), foreign_rows[_i].want), "%s:\n  got  %s\n  want %s",
                  foreign_rows[_i].name, gr_buf_cstr(&got), foreign_rows[_i].want);
    gr_buf_fini(&got);
}
END_TEST

/* What was read stays when the rest of the text is broken. */
START_TEST(syntax_error_keeps_what_stood_before)
{
    struct gr_sources *sources = gr_sources_create();
    struct gr_diags *d = gr_diags_create(sources);
    struct gr_arena *a = gr_arena_create(10000);
    struct gr_node *root = NULL;
    uint32_t file;

    ck_assert_int_eq(gr_sources_add(sources, GR_STR("f"), GR_STR("a: {b: c}\nd: [e, f\n"), &file), GR_OK);
    ck_assert_int_eq(gr_yaml_read(a, sources, file, NULL, d, &root), GR_EUSER);
    ck_assert_ptr_nonnull(root);
    ck_assert(gr_str_is(gr_node_get(gr_node_get(root, "a"), "b")->text, "c"));
    ck_assert_uint_eq(gr_node_get(root, "d")->count, 2);
    ck_assert_uint_eq(gr_node_get(root, "d")->span.end, 18);
    ck_assert_uint_eq(root->span.end, 18);
    gr_arena_free(a);
    gr_diags_free(d);
    gr_sources_free(sources);
}
END_TEST

Suite *
node_yaml_suite(void)
{
    Suite *s = suite_create("node_yaml");
    TCase *tc = tcase_create("node_yaml");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_as_the_table_says, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, survives_cuts_and_insertions, 0, GR_COUNT(rows));
    tcase_add_loop_test(tc, reads_foreign_files, 0, GR_COUNT(foreign_rows));
    tcase_add_test(tc, syntax_error_keeps_what_stood_before);
    suite_add_tcase(s, tc);
    return s;
}
