"""Every operation of the nodes' API under schemathesis, by every credential.

Reads the line that the stage (crates/cordon/examples/api-stage.rs) prints, and calls
each operation of the nodes' own OpenAPI with bodies and parameters that fit the schema
and that don't; half of the ids are real ones. Held of every answer: it comes within a
limit, it is what the schema says, it is no 5xx but an honest 503 (family `trouble`,
`retry`, Retry-After). Held at the end: no node panicked, none ended, and none has grown
beyond a bound since everything was asked once.
"""

import argparse
import hashlib
import json
import secrets
import sys
import time
import warnings

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# An act waits for bodies on their way (15 s) and for its record to be final.
ANSWER_S_MAX = 45
# What ledger, index and caches may grow by for the records that the fuzzer makes.
GROWTH_MIB_MAX = 96
DOMAIN = b"cordon/request/v1"
# Their answers do not end.
STREAMS = {"/v1/events"}


@schemathesis.serializer("application/zip")
def as_bytes(ctx, value):
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


class Officer(requests.auth.AuthBase):
    """Signs each request as docs/api.md says."""

    def __init__(self, network, institution, officer):
        self.network, self.institution, self.key = network, institution, officer["key"]
        self.secret = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(officer["seed"]))

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        now, nonce = int(time.time() * 1000), secrets.token_hex(16)
        lines = [
            request.method,
            request.path_url,
            hashlib.sha256(body).hexdigest(),
            str(now),
            nonce,
            self.network,
            self.institution,
        ]
        framed = len(DOMAIN).to_bytes(8, "little") + DOMAIN + b"\0" + "\n".join(lines).encode()
        signature = self.secret.sign(framed).hex()
        value = f"Cordon-Officer key={self.key},time={now},nonce={nonce},sig={signature}"
        request.headers["Authorization"] = value
        return request


class Operator(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Cordon-Operator {self.token}"
        return request


class Nobody(requests.auth.AuthBase):
    def __call__(self, request):
        return request


def credentials(stage):
    for node in stage["nodes"]:
        yield node, "nobody", Nobody()
        yield node, "operator", Operator(node["operator"])
        for officer in node["officers"]:
            yield node, officer["duty"], Officer(stage["network"], node["institution"], officer)


def real_ids(stage, path):
    objects = stage["objects"]
    for word, name in (("warrants", "warrants"), ("cases", "warrants"), ("questions", "questions"),
                       ("snapshots", "snapshots"), ("jobs", "jobs")):
        if f"/{word}/" in path:
            return objects[name]
    return objects["warrants"] + objects["questions"]


def with_real_ids(case, stage, place):
    """Puts ids that there are into a case, where it names any."""
    ids = real_ids(stage, case.path)
    if place is None:
        return
    if isinstance(case.path_parameters, dict) and "id" in case.path_parameters:
        case.path_parameters["id"] = ids[place % len(ids)]
    if isinstance(case.body, dict):
        for name in ("warrant", "question"):
            if isinstance(case.body.get(name), str):
                known = stage["objects"][name + "s"]
                case.body[name] = known[place % len(known)]


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


class Run:
    def __init__(self, stage, options):
        self.stage, self.options = stage, options
        self.session = requests.Session()
        self.requests = self.busy = 0
        self.slowest = (0.0, "")
        self.statuses = {}
        self.failures = {}

    def fail(self, what, why):
        if what not in self.failures:
            self.failures[what] = str(why)[:1500]
            print(f"FAILED {what}: {self.failures[what]}", file=sys.stderr)

    def judge(self, case, response, what):
        status = response.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status in (429, 503):
            said = response.json()
            self.busy += 1
            ready = case.path == "/healthz/ready"
            honest = said.get("retry") is True and "Retry-After" in response.headers
            if not (ready or honest):
                self.fail(what, f"{status} without Retry-After: {said}")
        elif status >= 500:
            self.fail(what, f"{status}: {response.text} for {case.as_curl_command()}")
        try:
            case.validate_response(response, checks=CHECKS)
        except BaseExceptionGroup as wrong:
            self.fail(what, "; ".join(str(each) for each in wrong.exceptions))

    def one(self, node, who, auth, operation, mode, examples):
        what = f"{node['institution']} {who} {operation.method} {operation.path}"
        if operation.path in STREAMS:
            with self.session.get(node["base"] + operation.path, auth=auth, stream=True, timeout=10) as response:
                if response.status_code >= 500:
                    self.fail(what, response.status_code)
            return

        @seed(self.options.seed)
        @settings(max_examples=examples, deadline=None, database=None, verbosity=Verbosity.quiet,
                  phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode), place=st.sampled_from([None, 0, 1]))
        def each(case, place):
            if self.over():
                return
            with_real_ids(case, self.stage, place)
            began = time.monotonic()
            try:
                response = case.call(base_url=node["base"], session=self.session, auth=auth, timeout=ANSWER_S_MAX)
            except requests.exceptions.InvalidHeader:
                return
            except requests.exceptions.RequestException as error:
                self.fail(what, f"no answer: {error!r} for {case.body!r:.300}")
                return
            self.requests += 1
            self.slowest = max(self.slowest, (time.monotonic() - began, what))
            self.judge(case, response, what)

        try:
            each()
        except Exception as error:  # what can't be generated for this schema is said, not hidden
            if "Unsatisfiable" not in type(error).__name__:
                self.fail(what, f"{type(error).__name__}: {error}")

    def over(self):
        return self.options.seconds is not None and time.monotonic() > self.options.until

    def all(self, examples):
        for node, who, auth in credentials(self.stage):
            schema = schemathesis.openapi.from_url(node["base"] + "/openapi.json")
            for result in schema.get_all_operations():
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    if not self.over():
                        self.one(node, who, auth, result.ok(), mode, examples)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--examples", type=int, default=10)
    words.add_argument("--seconds", type=float)
    words.add_argument("--seed", type=int, default=1)
    options = words.parse_args()
    options.until = time.monotonic() + (options.seconds or 0)
    warnings.simplefilter("ignore")
    stage = json.loads(sys.stdin.readline())
    run = Run(stage, options)
    run.all(1)
    before = {node["institution"]: rss_mib(node["pid"]) for node in stage["nodes"]}
    if options.examples > 1:
        run.all(options.examples)
    growth = {}
    for node in stage["nodes"]:
        name = node["institution"]
        try:
            growth[name] = rss_mib(node["pid"]) - before[name]
        except OSError:
            run.fail(name, "the node has ended")
            continue
        if growth[name] > GROWTH_MIB_MAX:
            run.fail(name, f"the node has grown by {growth[name]} MiB")
        with open(node["log"]) as log:
            panics = [line for line in log if "panicked" in line]
        if panics:
            run.fail(name, panics[0])
    seconds, slowest = run.slowest
    print(json.dumps({
        "api_fuzz": "done", "requests": run.requests, "failures": len(run.failures), "told_to_wait": run.busy,
        "statuses": dict(sorted(run.statuses.items())), "slowest_s": round(seconds, 2), "slowest": slowest,
        "growth_mib": growth,
    }))
    sys.exit(1 if run.failures else 0)


main()
