#!/bin/sh
# Links between the pages of this tree lead to files that are there, and to headings that they have; and README counts the rules of the example right.
set -u
: "${GR_SRCDIR:=.}"
cd "$GR_SRCDIR" || exit 1
python=/usr/bin/python3
[ -x "$python" ] || { echo "SKIP: needs python3"; exit 77; }
exec "$python" -B - <<'PY'
import glob, os, re, sys

def anchors(path):
    text = re.sub(r'^```.*?^```', '', open(path).read(), flags=re.S | re.M)
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r'^#+ (.*)', text, flags=re.M):
        plain = re.sub(r'<[^>]*>', '', heading).strip().lower()
        found.add(re.sub(r'[^\w\- ]', '', plain).replace(' ', '-'))
    return found

links = bad = 0
for page in ['README.md'] + sorted(glob.glob('docs/*.md') + glob.glob('examples/**/*.md', recursive=True)):
    text = re.sub(r'^```.*?^```', '', open(page).read(), flags=re.S | re.M)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        if re.match(r'[a-z]+:', link):
            continue
        links += 1
        path, _, anchor = link.partition('#')
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(target):
            print('FAILED: %s: %s: there is no such file' % (page, link)); bad += 1
        elif anchor and target.endswith('.md') and anchor not in anchors(target):
            print('FAILED: %s: %s: there is no such heading' % (page, link)); bad += 1
rules = len(re.findall(r'^ *- (?:record|alert): ', open('examples/tradepulse/compiled/prometheus/rules.yml').read(), flags=re.M))
said = re.findall(r'among (\d+) rules', open('README.md').read())
if said != [str(rules)]:
    print('FAILED: README.md: the example has %d rules, not %s' % (rules, said)); bad += 1
print('%d links, %d failures' % (links, bad))
sys.exit(bad > 0 or links < 50)
PY
