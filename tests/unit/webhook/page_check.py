"""page_check.py - reads pages as guardraild wrote them and says what is not as it must be: page_check.py FILE…

Strict where a browser is lenient: every tag closed in its order, every tag and attribute among those that the pages use, attributes
quoted, ids once, links to ourselves alone, no script, no style attribute, no handler. A text of others that got through as markup shows as one
of these. Also: language, title, one h1, heads of tables with a scope, a name for each field of a form, and a class of colour only with a sign
and words.
"""
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "input", "rect", "line"}
TAGS = {
    "html": {"lang"}, "head": set(), "meta": {"charset", "name", "content", "http-equiv"}, "title": set(), "style": set(), "body": set(),
    "header": set(), "main": set(), "nav": {"aria-label"}, "section": {"class", "aria-labelledby"}, "h1": set(), "h2": {"id"},
    "h3": {"id"}, "p": {"class", "id", "role"}, "br": set(), "strong": set(), "a": {"href", "rel"}, "code": set(),
    "span": {"class", "aria-hidden"}, "div": {"class", "role", "tabindex", "aria-label"}, "ul": {"class"},
    "ol": {"class", "aria-label"}, "li": {"class", "aria-current"}, "dl": set(), "dt": set(), "dd": set(), "table": {"class"},
    "caption": set(), "thead": set(), "tbody": set(), "tr": set(), "th": {"scope", "class"}, "td": {"class"}, "time": {"datetime"},
    "svg": {"class", "viewbox", "preserveaspectratio", "aria-hidden", "focusable"},
    "rect": {"class", "x", "y", "width", "height"}, "line": {"class", "x1", "y1", "x2", "y2"},
    "form": {"method", "action"}, "label": {"for"}, "input": {"id", "name", "required", "maxlength", "autocomplete", "value"},
    "textarea": {"id", "name", "required", "rows", "maxlength"}, "button": {"type"},
}
LINK = re.compile(r"^(/|/still|/status/\d+|/releases/[A-Za-z0-9._-]+|#[a-z]+)$")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.faults, self.open, self.ids, self.labels, self.fields = [], [], set(), set(), set()
        self.count = {}
        self.chip = None
        if not text.startswith("<!DOCTYPE html>\n"):
            self.faults.append("no doctype")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
            self.faults.append("a control character")
        self.feed(text)
        self.close()

    def fault(self, what):
        self.faults.append("line %d: %s" % (self.getpos()[0], what))

    def handle_starttag(self, tag, attrs):
        names = [n for n, _ in attrs]
        raw = self.get_starttag_text()
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in TAGS:
            self.fault("<%s>" % tag)
            return
        for name, value in attrs:
            if name not in TAGS[tag]:
                self.fault("<%s %s>" % (tag, name))
            if value is None and name != "required":
                self.fault("<%s %s> without a value" % (tag, name))
        if len(names) != len(set(names)):
            self.fault("an attribute twice: " + raw)
        if re.search(r"=[^\"\s>]", re.sub(r"\"[^\"]*\"", "\"\"", raw)):
            self.fault("an attribute without quotes: " + raw)
        at = dict(attrs)
        if tag == "a" and not LINK.match(at.get("href") or ""):
            self.fault("a link to " + str(at.get("href")))
        if tag == "form" and not re.match(r"^/ack/[A-Za-z0-9_-]+$", at.get("action") or ""):
            self.fault("a form to " + str(at.get("action")))
        if tag == "th" and at.get("scope") not in ("col", "row"):
            self.fault("a head of a table without scope")
        if tag == "label":
            self.labels.add(at.get("for"))
        if tag in ("input", "textarea"):
            self.fields.add(at.get("id"))
        if "id" in at:
            if at["id"] in self.ids:
                self.fault("the id %s twice" % at["id"])
            self.ids.add(at["id"])
        if tag == "span" and "chip" in (at.get("class") or "").split():
            self.chip = [len(self.open), ""]
        if tag == "meta" and at.get("http-equiv", "refresh") != "refresh":
            self.fault("a meta of another kind")
        if tag not in VOID and not raw.endswith("/>"):
            self.open.append(tag)
        if tag == "html" and at.get("lang") != "en":
            self.fault("no language")

    def handle_endtag(self, tag):
        if tag in VOID and self.get_starttag_text().endswith("/>"):
            return
        if not self.open or self.open[-1] != tag:
            self.fault("</%s> closes %s" % (tag, self.open[-1] if self.open else "nothing"))
            return
        self.open.pop()
        if self.chip and len(self.open) == self.chip[0]:
            if not re.search(r"\S\s+\S", self.chip[1]):
                self.fault("a colour with no sign and words: " + self.chip[1])
            self.chip = None

    def handle_data(self, data):
        if self.chip:
            self.chip[1] += data

    def handle_comment(self, data):
        self.fault("a comment")

    def handle_pi(self, data):
        self.fault("an instruction")

    def finish(self):
        if self.open:
            self.faults.append("not closed: " + " ".join(self.open))
        for tag, least in (("title", 1), ("h1", 1), ("main", 1)):
            if self.count.get(tag, 0) != least:
                self.faults.append("%d <%s>" % (self.count.get(tag, 0), tag))
        if self.fields - self.labels:
            self.faults.append("a field without a label")
        return self.faults


def main():
    bad = 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8", newline="") as f:
            for fault in Page(f.read()).finish():
                print("%s: %s" % (name, fault))
                bad = 1
    sys.exit(bad)


main()
