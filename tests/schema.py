"""Holds the JSON Schema of the language against the reader's examples: schema.py SCHEMA SOURCES.

Files are read as YAML 1.2, as editors do: `on` is a text, 2026-11-23 too, 5 is a number. PyYAML alone would read YAML 1.1."""

import glob
import json
import os
import re
import sys
import warnings

import yaml

warnings.simplefilter("ignore")
import jsonschema  # noqa: E402  (it warns about itself)

STRUCTURE = re.compile(r"GR0(10[1-8]|20[1-3])$")
INTEGER = re.compile(r"[-+]?[0-9]+$|0o[0-7]+$|0x[0-9a-fA-F]+$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
failures = []
checked = 0


def scalar(node):
    text = node.value
    if node.style:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false") and text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if INTEGER.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.match(text):
        return float(text)
    return text


def convert(node):
    if isinstance(node, yaml.MappingNode):
        return {key.value: convert(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [convert(value) for value in node.value]
    return scalar(node) if node else None


def load(text):
    return convert(yaml.compose(text, Loader=yaml.SafeLoader))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def expect(ok, what):
    global checked
    checked += 1
    if not ok:
        failures.append(what)


def complaint(validator, document):
    errors = sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.path)))
    return "; ".join(f"{'/'.join(map(str, e.path))}: {e.message[:150]}" for e in errors[:3])


def check_good(validator, paths):
    for path in paths:
        words = complaint(validator, load(read(path)))
        expect(not words, f"{path} is good and refused: {words}")


def check_bad(validator, folder):
    """Every spec with a finding about structure is refused, but for those in the list, which are not."""
    lines = [l.split(":")[0] for l in read(f"{folder}/schema-cannot-tell.txt").splitlines() if l and l[0] != "#"]
    for name in lines:
        expect(os.path.exists(f"{folder}/bad/{name}"), f"schema-cannot-tell.txt: there is no {name}")
    refused = 0
    for path in sorted(glob.glob(f"{folder}/bad/*.yml")):
        text, name = read(path), os.path.basename(path)
        codes = {c for line in text.splitlines() if "expect:" in line for c in re.findall(r"GR\d{4}", line.split("expect:", 1)[1])}
        try:
            document = load(text)
        except yaml.YAMLError:
            continue  # no editor would ask the schema
        ok = validator.is_valid(document)
        refused += not ok
        if name in lines:
            expect(ok, f"{name} is refused: it can leave schema-cannot-tell.txt")
        elif any(STRUCTURE.match(c) for c in codes):
            expect(not ok, f"{name} passes ({' '.join(sorted(codes))}): let the schema refuse it, or say in schema-cannot-tell.txt why not")
    expect(refused >= 45, f"only {refused} bad specs are refused")


def check_examples(schema):
    """What the schema shows in editors is legal where it is shown."""
    shown = 0

    def walk(at, path):
        nonlocal shown
        if isinstance(at, dict):
            for value in at.get("examples", []) + ([at["default"]] if "default" in at else []):
                part = {k: v for k, v in at.items() if k not in ("examples", "default", "description")}
                part["definitions"] = schema["definitions"]
                words = complaint(jsonschema.Draft7Validator(part), value)
                shown += 1
                expect(not words, f"{path}: the example {value!r} is not legal there: {words}")
            for key, value in at.items():
                if key not in ("examples", "default"):
                    walk(value, f"{path}/{key}")
        elif isinstance(at, list):
            for i, value in enumerate(at):
                walk(value, f"{path}/{i}")

    walk(schema, "")
    expect(shown > 150, f"only {shown} examples are shown")


def check_descriptions(schema):
    for name, definition in schema["definitions"].items():
        for key, value in definition["properties"].items():
            words = value.get("description", "")
            expect(re.match(r'[A-Z"].*\.$', words) and ".." not in words, f"{name}.{key}: no sentence: {words!r}")


# One change to the smallest spec each: a line that begins with the key is replaced, or the text is added.
CASES = [
    (True, "owner: 5"),
    (True, "owner: 2026-11-23"),
    (True, "owner: yes"),
    (True, 'owner: "5"'),
    (False, "owner: ''"),
    (False, "owner: [a]"),
    (False, "owner:"),
    (True, "sampling: 1h30m"),
    (True, "sampling: 12 months"),
    (True, "sampling: 2min 30s"),
    (False, "sampling: 30m1h"),
    (False, "sampling: 5"),
    (False, 'sampling: "5"'),
    (False, "sampling: 5x"),
    (False, "sampling: 2m "[:-1] + "s3"),
    (False, "spec: Upper"),
    (False, "spec: 5"),
    (False, "spec: " + "a" * 101),
    (True, "spec: " + "a" * 100),
    (True, "false_rollback_budget: 0.5 %"),
    (True, "false_rollback_budget: 10bps"),
    (False, "false_rollback_budget: 0.01"),
    (False, "false_rollback_budget: 1pp"),
    (False, "false_rollback_budget: +1%"),
    (False, "apiVersion: guardrail/v2"),
    (False, "runbook: ftp://example.org"),
    (True, "runbook: http://example.org/{guardrail}"),
    (False, "on: {hard: []}"),
    (True, 'on: {hard: [rollback], no_data: []}'),
    (True, '"on": {hard: [rollback]}'),
    (False, "On: {hard: [rollback]}"),
    (False, "nothing: 1"),
    (False, "dashboards: {folder: ../x}"),
    (True, "dashboards: {folder: a/b}"),
    (True, "dashboards: {folder: ..a/b}"),
    (False, "dashboards: {folder: a//b}"),
    (False, "release: {labels: [__name__]}"),
    (False, "release: {labels: [guardrail]}"),
    (True, "release: {labels: [guardrails]}"),
    (False, "release: cluster"),
    (False, "release: {labels: cluster}"),
    (False, "expect: []"),
    (False, "expect: [{}]"),
    (False, "dynamic_slices: {bucket: {at_most: 0}}"),
    (False, 'dynamic_slices: {bucket: {at_most: "x"}}'),
    (True, "dynamic_slices: {bucket: {at_most: 16}}"),
]


def check_cases(validator, smallest):
    for want, change in CASES:
        document = load(smallest)
        changed = load(change)
        document.update(changed)
        if "On" in changed:
            del document["on"]
        words = complaint(validator, document)
        expect(want == (not words), f"{change!r} is {'refused: ' + words if want else 'taken'}")


def check_overlays(validator, smallest):
    name = load(smallest)["guardrails"][0]["name"]
    tighter = [{"name": name, "limit": {"hard": "+10%"}}]
    expect(validator.is_valid({"extends": "../base.yml", "guardrails": tighter}), "an overlay that tightens a limit is refused")
    expect(not validator.is_valid({"extends": "../base.yml", "guardrails": [{"limit": {}}]}), "an overlay's guardrail without a name is taken")
    waiver = {"approved_by": "Jo", "ticket": "R-1", "reason": "x", "expires": "2026-12-31"}
    expect(validator.is_valid({"extends": "b.yml", "guardrails": [{"name": name, "waiver": waiver}]}), "a waiver is refused")
    expect(not validator.is_valid({"extends": "b.yml", "guardrails": [{"name": name, "waiver": {**waiver, "expires": "soon"}}]}), "no date is taken")
    del waiver["expires"]
    expect(not validator.is_valid({"extends": "b.yml", "guardrails": [{"name": name, "waiver": waiver}]}), "half a waiver is taken")
    expect(validator.is_valid({"apiVersion": "guardrail/v1", "guardrails": load(smallest)["guardrails"]}), "a part is refused")
    expect(not validator.is_valid({}), "nothing is taken for a part")
    expect(not validator.is_valid({"guardrails": [{"name": "x", "nothing": 1}]}), "an unknown key of a part is taken")
    expect(not validator.is_valid({**load(smallest), "waivers": []}), "waivers are taken without extends")
    expect(not validator.is_valid({"extends": "../base.yml", "guardrail": tighter}), "an unknown key of an overlay is taken")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    specs = f"{sys.argv[2]}/tests/data/specs"
    smallest = read(f"{sys.argv[2]}/examples/minimal/guardrails.yml")
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    examples = glob.glob(f"{sys.argv[2]}/examples/*/guardrails.yml")
    good = glob.glob(f"{specs}/good/*.yml")
    expect(len(examples) >= 2 and len(good) >= 20, "the examples are not there")
    check_good(validator, sorted(examples + good))
    check_bad(validator, specs)
    check_examples(schema)
    check_descriptions(schema)
    check_cases(validator, smallest)
    check_overlays(validator, smallest)
    for words in failures:
        print(f"FAILED: {words}")
    print(f"{checked} checks, {len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
