#!/usr/bin/env python3
"""A runtime that does what its events say."""
import json
import os
import sys
import time
import urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"


def post(path, body, headers={}):
    urllib.request.urlopen(urllib.request.Request(API + path, data=body, headers=headers)).read()


def answer(event, headers):
    if event.get("rawPath") == "/answer":  # over HTTP: what the body says
        return json.loads(event["body"])
    if event.get("rawPath") == "/fail":
        os._exit(1)
    do = event.get("do")
    if do == "print":
        print(event["text"], flush=True)
    if do == "exit":
        os._exit(event["code"])
    if do == "kill":
        os.kill(os.getpid(), 9)
    if do == "sleep":
        time.sleep(600)
    if do == "env":
        return {name: os.environ.get(name) for name in event["names"]}
    if do == "sh":
        import subprocess
        return subprocess.run(["sh", "-c", event["script"]], capture_output=True, text=True).stdout
    if do == "headers":
        return {name: headers[name] for name in event["names"]}
    if do == "big":
        return "x" * event["size"]
    if do == "pid":
        return os.getpid()
    if do == "wait":  # until the file is there
        open(event["file"] + ".here", "w").close()
        while not os.path.exists(event["file"]):
            time.sleep(0.005)
    return event


if os.environ.get("BREAK") == "init":
    post("/init/error", b'{"errorType": "Broken", "errorMessage": "cannot start"}', {"Lambda-Runtime-Function-Error-Type": "Broken"})
    sys.exit(1)
if os.environ.get("BREAK") == "start":
    sys.exit(2)
while True:
    with urllib.request.urlopen(API + "/invocation/next") as r:
        event, headers = json.load(r), r.headers
    here = "/invocation/" + headers["Lambda-Runtime-Aws-Request-Id"]
    if isinstance(event, dict) and event.get("do") == "raise":
        post(here + "/error", json.dumps({"errorType": event["type"], "errorMessage": event["message"]}).encode())
        continue
    try:
        post(here + "/response", json.dumps(answer(event if isinstance(event, dict) else {}, headers) if isinstance(event, dict) else event).encode())
    except urllib.error.HTTPError:
        pass
