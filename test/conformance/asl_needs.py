#!/usr/bin/env python3
"""Replays the recorded Step Functions cases that need other services, which runner.py beside them leaves out.

    asl_needs.py FOLDER [options of FOLDER/runner.py]

The replay and the score are runner.py's own. What this adds: the steps that prepare and read the neighbouring
services (buckets, topics, queues, functions, log groups), made with boto3 at the same endpoint, also beside a running
execution, and messages that the recording suite gathered. Cases that need a service outside SERVED, or a function
whose file is not in handlers/, are skipped, with the reason.

The handlers are written after the recorded inputs and outputs. They run on the Python of the machine, whatever
version the recording names.
"""
import copy
import io
import json
import os
import re
import sys
import threading
import time
import uuid
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, sys.argv[1])
import runner  # noqa: E402

SERVED = {
    "activity-worker",
    "aws-sdk:s3",
    "aws-sdk:secretsmanager",
    "aws-sdk:sfn",
    "aws-sdk:sqs",
    "events",
    "lambda",
    "logs",
    "nested-execution",
    "s3",
    "second-account",
    "sns",
    "sqs",
}

# A fixture that names nothing makes every resource whose name, of this form, stands in the case's steps.
UNNAMED = {"s3_create_bucket": r"bucket-u\d{4}", "sns_create_topic": r"topic-u\d{4}(?:\.fifo)?"}

SECOND = "222222222222"  # the account of steps with "client": "secondary", and its access key
LOGS_SECONDS = 3  # that logs may come after the end of an execution
MESSAGE_SECONDS = 15  # that a message may take
START_SECONDS = 40  # that the runtimes of functions may take, on top of what runner.py grants

HANDLERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "handlers")
FUNCTION = re.compile(r"lambda:(?:.*/)?([^/]+) \((python3\.\d+)\)")


def served(need):
    function = FUNCTION.fullmatch(need)
    return need in SERVED or function and os.path.exists(os.path.join(HANDLERS, function.group(1)))


def skip_reason(case, options):
    if not case["needs"]:
        return "pure"
    missing = sorted({need for need in case["needs"] if not served(need)})
    if missing:
        return "needs " + ", ".join(missing)
    scored = [
        s for s in case["steps"]
        if "match" in s and s["match"] not in case["client_side"] and (not runner.is_derived(s["value"]) or runner.can_derive(case, s))
    ]
    if not scored:
        return "$derived: computed by the recording suite only"
    wait, _ = runner.recorded_wait(case, options.wait_scale)
    beats = [o["heartbeatInSeconds"] for o in runner.walk(case["expect"]) if "heartbeatInSeconds" in o]
    if "TaskTimedOut" in json.dumps(case["expect"]):
        wait = min([wait, *beats])  # a heartbeat that a path gives ends the task before its timeout
    if wait > runner.LONG and not options.long:
        return f"recorded waits of {wait:.0f} s (--long)"
    return None


class Clients:
    """boto3 clients by service; runner.py's threads share them."""

    def __init__(self):
        self.made, self.lock = {}, threading.Lock()

    def get(self, service, options):
        with self.lock:
            if service not in self.made:
                self.made[service] = boto3.client(
                    service,
                    endpoint_url=options.endpoint,
                    region_name=options.region,
                    aws_access_key_id=options.access_key,
                    aws_secret_access_key=options.secret_key,
                    config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
                )
            return self.made[service]


CLIENTS = Clients()


def plain(value):
    """An answer of boto3 as JSON values: bodies read, times as text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if hasattr(value, "read"):
        return value.read().decode()
    return value.isoformat() if hasattr(value, "isoformat") else value


class Replay(runner.Replay):
    def __init__(self, case, options, client):
        super().__init__(case, options, client)
        self.functions = []
        if any(need.startswith("lambda") for need in case["needs"]):
            self.deadline += START_SECONDS

    def text(self, text):
        # The cases write every role with one account; one that starts executions in the second account was a role there.
        text = super().text(text)
        if {"second-account", "nested-execution"} <= set(self.case["needs"]):
            text = text.replace(f"arn:aws:iam::{self.options.account}:role/cross-account", f"arn:aws:iam::{SECOND}:role/cross-account")
        return text

    def step(self, i, step):
        first = self.client
        if step.get("client") == "secondary" or step["call"].startswith("await_") and SECOND in json.dumps(self.arguments(step)):
            options = copy.copy(self.options)
            options.account = options.access_key = SECOND
            self.client = runner.Client(options)
        try:
            self.take(i, step)
        finally:
            if self.client is not first:
                self.client.close()
            self.client = first

    def take(self, i, step):
        call = step["call"]
        service, dot, operation = call.partition(".")
        if call == "await_on_execution_logs":
            self.results[i] = self.logs(i, self.arguments(step)["logGroupName"])
        elif service == "fixture":
            self.results[i] = self.fixture(operation, self.arguments(step))
        elif dot:
            self.results[i] = answer = self.neighbour(service, operation, self.arguments(step))
            if isinstance(answer, runner.ApiError) and not step.get("error"):
                self.notes.append(f"step {i} {call}: recorded success, got {answer}")
        else:
            super().step(i, step)

    def poll(self, first, last):
        if self.case["steps"][first]["call"] != "sqs.receive_message":
            super().poll(first, last)
            return
        recorded = [len(self.case["expect"][s["match"]]) for s in self.case["steps"][last:] if "$derived" in s.get("value", {})]
        self.results[first] = {"Messages": self.messages(self.arguments(self.case["steps"][first]), max(recorded or [1]))}
        self.polling = False

    def messages(self, args, count):
        """The messages of a queue, once there are as many."""
        found, stop = {}, min(self.deadline, time.monotonic() + MESSAGE_SECONDS)
        while len(found) < count and time.monotonic() < stop:
            answer = self.neighbour("sqs", "receive_message", {**args, "WaitTimeSeconds": 1})
            if isinstance(answer, runner.ApiError):
                raise runner.Stop(f"receive_message: {answer}")
            found.update({m["MessageId"]: m for m in answer.get("Messages", [])})
        return list(found.values())

    def match(self, i, step):
        gathered = self.gathered(step["value"]) if isinstance(step["value"], dict) and "$derived" in step["value"] else None
        if gathered is None:
            super().match(i, step)
        else:
            self.answers.append((step["match"], "value", gathered))

    def gathered(self, template):
        """What the recording suite gathered of a queue: the bodies of its messages, in the order of their texts."""
        first = template["$derived"][0]
        call = self.case["steps"][first["$result"]]["call"]
        if call == "fixture.sqs_receive_num_messages":
            return self.results[first["$result"]]
        if call == "sqs.receive_message" and first.get("path") == "Messages[0].Body|json":
            bodies = [json.loads(m["Body"]) for m in self.results[first["$result"]]["Messages"]]
            return sorted(bodies, key=lambda body: json.dumps(body.get("detail"), sort_keys=True))
        return None

    def clean(self):
        super().clean()
        for name in self.functions:
            self.neighbour("lambda", "delete_function", {"FunctionName": name})

    def neighbour(self, service, operation, args):
        body = args.get("Body")
        if isinstance(body, dict) and "$bytes" in body:
            args = {**args, "Body": body["$bytes"].encode()}
        try:
            return plain(getattr(CLIENTS.get(service, self.options), operation)(**args))
        except ClientError as e:
            error = e.response["Error"]
            status = e.response["ResponseMetadata"]["HTTPStatusCode"]
            return runner.ApiError(operation, status, error["Code"], error.get("Message", ""), plain(e.response))

    def fixture(self, fixture, args):
        if fixture == "s3_create_bucket":
            for name in self.names_of(fixture, args.get("Bucket")):
                self.neighbour("s3", "create_bucket", {"Bucket": name})
            return {}
        if fixture == "sns_create_topic":
            name, *_ = self.names_of(fixture, args.get("Name")) or ["topic"]
            return self.neighbour("sns", "create_topic", {**args, "Name": name})
        if fixture == "sqs_create_queue":
            return self.queue(args.get("QueueName"))
        if fixture == "sns_allow_topic_sqs_queue":
            return {}
        if fixture == "sqs_receive_num_messages":
            return [json.loads(m["Body"]) for m in self.messages({"QueueUrl": args["_args"][0]}, args["expected_messages"])]
        if fixture == "create_lambda_function":
            return self.function(args["func_name"], os.path.basename(args["handler_file"]), args["runtime"])
        if fixture == "events_to_sqs_queue":
            url = self.queue(None)
            arn = self.neighbour("sqs", "get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})["Attributes"]["QueueArn"]
            name = "rule-" + uuid.uuid4().hex
            self.neighbour("events", "put_rule", {"Name": name, "EventPattern": json.dumps(args["_args"][0])})
            self.neighbour("events", "put_targets", {"Rule": name, "Targets": [{"Id": "queue", "Arn": arn}]})
            return url
        raise runner.Stop(f"fixture {fixture}: this runner cannot make that")

    def function(self, name, file, runtime):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as z:
            z.write(os.path.join(HANDLERS, file), "handler.py")
        made = self.neighbour("lambda", "create_function", {
            "FunctionName": name, "Runtime": runtime, "Handler": "handler.handler", "Timeout": 90, "MemorySize": 256,
            "Role": f"arn:aws:iam::{self.options.account}:role/lambda", "Code": {"ZipFile": archive.getvalue()},
        })
        if isinstance(made, runner.ApiError):
            raise runner.Stop(f"create_function: {made}")
        self.functions.append(name)
        self.until(f"{name} to be active", lambda: self.neighbour(
            "lambda", "get_function_configuration", {"FunctionName": name})["State"] != "Pending")
        return {"CreateFunctionResponse": made}

    def queue(self, name):
        return self.neighbour("sqs", "create_queue", {"QueueName": name or "queue-" + uuid.uuid4().hex})["QueueUrl"]

    def names_of(self, fixture, name):
        if name:
            return [name]
        return sorted({self.text(found) for found in re.findall(UNNAMED[fixture], json.dumps(self.case["steps"]))})

    def logs(self, i, group):
        """The log events of a group by execution and id, once there are as many as were recorded, or the last that was."""
        recorded = [
            self.case["expect"][m["match"]] for m in self.case["steps"][i:]
            if "match" in m and isinstance(m["value"], dict) and m["value"].get("$result") == i
        ]
        client, stop = CLIENTS.get("logs", self.options), time.monotonic() + LOGS_SECONDS
        if recorded and isinstance(recorded[0], dict):
            stop = self.deadline - 1
        while True:
            events = []
            for stream in client.describe_log_streams(logGroupName=group)["logStreams"]:
                answer = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
                events += [json.loads(e["message"]) for e in answer["events"]]
            events.sort(key=lambda e: (e["execution_arn"], int(e["id"])))
            if recorded and enough(events, recorded[0]) or time.monotonic() > stop:
                return events
            time.sleep(0.02)


def enough(events, recorded):
    """Is there what was recorded: as many events, or the end of the execution?"""
    if isinstance(recorded, dict):
        return bool(events) and events[-1]["type"] != "ExecutionStarted" and events[-1]["type"].startswith("Execution")
    return len(events) >= len(recorded)


class Background(runner.Background):
    """The steps beside the execution. Those to be repeated are, together, until all of them succeed."""

    def __init__(self, replay):
        self.own = Replay(replay.case, replay.options, runner.Client(replay.options))
        self.own.results, self.own.names, self.own.moved, self.own.deadline = replay.results, replay.names, replay.moved, replay.deadline
        super().__init__(replay)

    def work(self):
        steps, done = self.replay.case["steps"], 0
        while (item := self.queue.get()) is not None:
            first = item[0]
            if first < done or steps[first]["call"] == "await_condition":
                continue
            last = first + 1
            while steps[first].get("poll") and steps[last].get("poll"):
                last += 1
            done = last
            try:
                self.repeat(first, last)
            except (runner.Fault, runner.OutOfTime, runner.Stop) as e:
                self.replay.notes.append(f"background step {first}: {e}")

    def repeat(self, first, last):
        state = {"what": "steps beside the execution"}
        while not all(self.succeeds(i) for i in range(first, last)):
            if not self.replay.case["steps"][first].get("poll"):
                return
            self.own.pause(state)
        self.replay.notes += self.own.notes

    def succeeds(self, i):
        step = self.replay.case["steps"][i]
        self.own.notes = []
        self.own.step(i, step)
        result = self.replay.results[i]
        return not isinstance(result, runner.ApiError) and (step["call"] != "sqs.receive_message" or "Messages" in result)

    def close(self):
        super().close()
        self.own.client.close()


def summary(results):
    """Cases by what they need, as far as it is served: how many equal the recording."""
    groups = {"sqs or events": lambda n: n in ("sqs", "aws-sdk:sqs", "events"), "Lambda": lambda n: n.startswith("lambda")}
    for title, of in groups.items():
        ran = [r for r in results if r["result"] != "skipped" and any(of(n) for n in r["needs"])]
        passed = sum(r["result"] == "pass" for r in ran)
        skipped = sum(any(of(n) for n in r["needs"]) for r in results) - len(ran)
        print(f"with {title}: {passed} of {len(ran)} STRICT, {skipped} not run")


def run_all(cases, options):
    results = replay_all(cases, options)
    summary(results)
    return results


replay_all, runner.run_all = runner.run_all, run_all
runner.Replay, runner.Background = Replay, Background
runner.skip_reason = skip_reason

if __name__ == "__main__":
    sys.exit(runner.main(sys.argv[2:]))
