#!/usr/bin/python3
"""Stand-ins of two deployment controllers, as strict as they are, that act on the examples of docs/controllers.md and on compiled templates.

Argo Rollouts (metricproviders/webmetric, analysis/analysis.go): GET unless `method` says otherwise, a body for POST and PUT alone; 10 s unless
timeoutSeconds is more than 0; certificates are verified unless `insecure`; up to ten redirects; any status but 2xx, a path that is not found and a
condition that cannot be evaluated are errors of the measurement; a body that is no JSON is a success (!); {$.x} gives the value itself; with both conditions,
neither true is inconclusive. A metric: failed > failureLimit fails, inconclusive > inconclusiveLimit is inconclusive, errors in a row > consecutiveErrorLimit (4) are an
error, `count` measurements that were no errors are a success.

Flagger (pkg/controller/webhook.go): POST of {"name", "namespace", "phase", "checksum", "metadata"}, application/json, a user and password in the address as HTTP
Basic; 10 s unless `timeout` has two characters; an error, or any status above 202, is a no. A rollback hook's yes rolls back.

    controllers.py argo FILE TEMPLATE BASE SECRET NAME=VALUE… [--ca FILE] [--rounds N]     prints the metric's phase
    controllers.py flagger FILE HOOK-TYPE BASE [--user USER:PASSWORD]                      prints yes or no, and why
    controllers.py check FILE                                                              the examples are well-formed
"""
import base64, json, re, ssl, sys, urllib.error, urllib.parse, urllib.request
import yaml


def fail(text):
    sys.exit("controllers.py: " + text)


def documents(path):
    text = open(path, encoding="utf-8").read()
    if path.endswith(".md"):
        text = "\n---\n".join(re.findall(r"^```yaml\n(.*?)^```$", text, re.S | re.M))
    return [d for d in yaml.safe_load_all(text) if d]


def ask(method, url, headers, body, timeout, context):
    """Status and body. Raises OSError where there is no answer, as Go's client returns an error."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None:
        word = base64.b64encode(f"{parts.username}:{parts.password or ''}".encode()).decode()
        headers = dict(headers, Authorization="Basic " + word)
        url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


# -- Argo Rollouts

def fill(text, args):
    def value(m):
        if m.group(1) not in args:
            fail(f"the argument {m.group(1)} is not given")
        return args[m.group(1)]
    text = re.sub(r"\{\{\s*args\.([\w-]+)\s*\}\}", value, text)
    return text


def condition(text, result):
    """As much of the expression language as templates for the gate need; anything else is an error."""
    if text in ("true", "false"):
        return text == "true"
    m = re.fullmatch(r"result == (true|false)", text)
    if not m:
        raise ValueError("condition " + text)
    return isinstance(result, bool) and result == (m.group(1) == "true")  # of another type: not equal


def measure(metric, args, ca):
    web = metric["provider"]["web"]
    method = web.get("method", "GET")
    if method == "GET" and ("body" in web or "jsonBody" in web):
        return "Error", "a body goes with POST and PUT"
    body = web["body"].encode() if "body" in web else json.dumps(web["jsonBody"]).encode() if "jsonBody" in web else None
    headers = {fill(h["key"], args): fill(h["value"], args) for h in web.get("headers", [])}
    if "jsonBody" in web:
        headers["Content-Type"] = "application/json"
    context = ssl.create_default_context(cafile=ca)
    if web.get("insecure"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    seconds = web.get("timeoutSeconds", 0)
    try:
        status, text = ask(method, fill(web["url"], args), headers, body, seconds if seconds > 0 else 10, context)
    except OSError as e:
        return "Error", str(e)
    if not 200 <= status < 300:
        return "Error", f"received non 2xx response code: {status}"
    try:
        data = json.loads(text)
    except ValueError:
        return "Successful", text.decode()
    path = re.fullmatch(r"\{\$((?:\.\w+)*)\}", web.get("jsonPath", "{$}"))
    if not path:
        fail("jsonPath " + web["jsonPath"])
    for name in path.group(1).split(".")[1:]:
        if not isinstance(data, dict) or name not in data:
            return "Error", f"Could not find JSONPath in body: {name} is not found"
        data = data[name]
    good, bad = metric.get("successCondition"), metric.get("failureCondition")
    try:
        success, failure = bool(good) and condition(good, data), bool(bad) and condition(bad, data)
    except ValueError as e:
        return "Error", str(e)
    if not good and not bad:
        return "Successful", data
    if good and not bad:
        failure = not success
    elif bad and not good:
        success = not failure
    return "Failed" if failure else "Successful" if success else "Inconclusive", data


def argo(path, template, base, secret, args, ca, rounds):
    found = [d for d in documents(path) if d.get("kind") == "AnalysisTemplate" and d["metadata"]["name"] == template]
    if len(found) != 1:
        fail("no such template: " + template)
    spec = found[0]["spec"]
    for a in spec["args"]:
        if "valueFrom" in a:
            args.setdefault(a["name"], secret)
    (metric,) = spec["metrics"]
    url = urllib.parse.urlsplit(metric["provider"]["web"]["url"])
    metric["provider"]["web"]["url"] = base + url.path + ("?" + url.query if url.query else "")
    count = dict.fromkeys(("Successful", "Failed", "Inconclusive", "Error"), 0)
    in_a_row = 0
    for _ in range(rounds):
        phase, why = measure(metric, args, ca)
        count[phase] += 1
        in_a_row = in_a_row + 1 if phase == "Error" else 0
        print(f"{phase}: {why}", file=sys.stderr)
        if count["Failed"] > metric.get("failureLimit", 0):
            return "Failed"
        if count["Inconclusive"] > metric.get("inconclusiveLimit", 0):
            return "Inconclusive"
        if in_a_row > metric.get("consecutiveErrorLimit", 4):
            return "Error"
        limit = metric.get("count", 1 if "interval" not in metric else None)
        if limit is not None and sum(count.values()) - count["Error"] >= limit:
            return "Successful"
    return "Running"


# -- Flagger

def flagger(path, kind, base, user):
    (canary,) = [d for d in documents(path) if d.get("kind") == "Canary"]
    (hook,) = [h for h in canary["spec"]["analysis"]["webhooks"] if h["type"] == kind]
    url = urllib.parse.urlsplit(base + urllib.parse.urlsplit(hook["url"]).path)
    if user:
        url = url._replace(netloc=user + "@" + url.netloc)
    timeout = hook.get("timeout", "")
    seconds = 10 if len(timeout) < 2 else int(re.fullmatch(r"(\d+)s", timeout).group(1))
    body = {"name": canary["metadata"]["name"], "namespace": canary["metadata"]["namespace"], "phase": "Progressing",
            "checksum": "85d557f47b", "metadata": hook.get("metadata", {})}
    try:
        status, text = ask("POST", url.geturl(), {"Content-Type": "application/json"}, json.dumps(body).encode(), seconds, None)
    except OSError as e:
        return f"no: {e}"
    return f"no: {status} {text.decode().strip()}" if status > 202 else f"yes: {status}"


# -- the examples

HOOKS = {"confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion", "post-rollout", "rollback", "event"}


def keys(where, thing, needed, allowed):
    if not isinstance(thing, dict) or not needed <= set(thing) or not set(thing) <= needed | allowed:
        fail(f"{where}: {thing}")


def check(path):
    kinds = []
    for d in documents(path):
        kinds.append(d["kind"])
        keys("document", d, {"apiVersion", "kind", "metadata", "spec"}, set())
        if d["kind"] == "AnalysisTemplate":
            for m in d["spec"]["metrics"]:
                keys("metric", m, {"name", "provider", "successCondition"}, {
                    "count", "interval", "failureCondition", "inconclusiveLimit", "consecutiveErrorLimit", "failureLimit", "initialDelay"})
                keys("web", m["provider"]["web"], {"url"}, {"timeoutSeconds", "jsonPath", "headers", "insecure", "method", "jsonBody"})
        elif d["kind"] == "Canary":
            keys("canary", d["spec"], {"targetRef", "service", "analysis"}, {"progressDeadlineSeconds", "autoscalerRef"})
            keys("targetRef", d["spec"]["targetRef"], {"apiVersion", "kind", "name"}, set())
            keys("analysis", d["spec"]["analysis"], {"interval", "threshold"}, {"maxWeight", "stepWeight", "webhooks", "metrics", "iterations"})
            for h in d["spec"]["analysis"]["webhooks"]:
                keys("webhook", h, {"name", "type", "url"}, {"timeout", "metadata", "retries", "disableTLS"})
                if h["type"] not in HOOKS or not all(isinstance(v, str) for v in h.get("metadata", {}).values()):
                    fail(f"webhook: {h}")
                if (h["type"] == "rollback") != h["url"].endswith("/v1/hooks/rollback"):
                    fail(f"a rollback hook's yes rolls back: {h}")
    return " ".join(kinds)


def main(words):
    options = {}
    while "--ca" in words or "--rounds" in words or "--user" in words:
        at = next(i for i, w in enumerate(words) if w.startswith("--"))
        options[words[at][2:]] = words[at + 1]
        del words[at:at + 2]
    if words[0] == "argo":
        args = dict(w.split("=", 1) for w in words[5:])
        print(argo(words[1], words[2], words[3], words[4], args, options.get("ca"), int(options.get("rounds", 1))))
    elif words[0] == "flagger":
        print(flagger(words[1], words[2], words[3], options.get("user")))
    elif words[0] == "check":
        print(check(words[1]))
    else:
        fail(words[0])


main(sys.argv[1:])
