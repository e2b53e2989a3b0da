#!/usr/bin/env python3
"""Replays the recorded Step Functions cases that need other services, which runner.py beside them leaves out.

    asl_needs.py FOLDER [options of FOLDER/runner.py]

The replay and the score are runner.py's own. What this adds: the steps that prepare and read the neighbouring
services (buckets, topics, log groups), made with boto3 at the same endpoint. Cases that need a service outside
SERVED are skipped, with the reason.
"""
import json
import re
import sys
import threading
import time
import uuid

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
    "logs",
    "nested-execution",
    "s3",
    "sns",
    "sqs",
}

# A fixture that names nothing makes every resource whose name, of this form, stands in the case's steps.
UNNAMED = {"s3_create_bucket": r"bucket-u\d{4}", "sns_create_topic": r"topic-u\d{4}(?:\.fifo)?"}

LOGS_SECONDS = 3  # that logs may come after the end of an execution


def skip_reason(case, options):
    if not case["needs"]:
        return "pure"
    missing = sorted({need.split(":")[0] if need.startswith("lambda") else need for need in case["needs"] if need not in SERVED})
    if missing:
        return "needs " + ", ".join(missing)
    scored = [
        s for s in case["steps"]
        if "match" in s and s["match"] not in case["client_side"] and (not runner.is_derived(s["value"]) or runner.can_derive(case, s))
    ]
    if not scored:
        return "$derived: computed by the recording suite only"
    wait, _ = runner.recorded_wait(case, options.wait_scale)
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
    def step(self, i, step):
        call = step["call"]
        service, dot, operation = call.partition(".")
        if call == "await_on_execution_logs":
            self.results[i] = self.logs(i, self.arguments(step)["logGroupName"])
        elif service == "fixture":
            self.results[i] = self.fixture(operation, self.local(step.get("args") or {}))
        elif call == "sqs.receive_message" and step.get("poll"):
            args, stop = self.arguments(step), time.monotonic() + LOGS_SECONDS * 5
            self.results[i] = {}
            while not self.results[i].get("Messages") and time.monotonic() < stop:
                self.results[i] = self.neighbour(service, operation, {**args, "WaitTimeSeconds": 1})
        elif dot:
            self.results[i] = answer = self.neighbour(service, operation, self.arguments(step))
            if isinstance(answer, runner.ApiError) and not step.get("error"):
                self.notes.append(f"step {i} {call}: recorded success, got {answer}")
        else:
            super().step(i, step)

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
            found, stop = [], time.monotonic() + LOGS_SECONDS * 5
            while len(found) < args["expected_messages"] and time.monotonic() < stop:
                found += self.neighbour("sqs", "receive_message", {"QueueUrl": args["_args"][0], "WaitTimeSeconds": 1}).get("Messages", [])
            return found
        if fixture == "events_to_sqs_queue":
            url = self.queue(None)
            arn = self.neighbour("sqs", "get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})["Attributes"]["QueueArn"]
            name = "rule-" + uuid.uuid4().hex
            self.neighbour("events", "put_rule", {"Name": name, "EventPattern": json.dumps(args["_args"][0])})
            self.neighbour("events", "put_targets", {"Rule": name, "Targets": [{"Id": "queue", "Arn": arn}]})
            return url
        raise runner.Stop(f"fixture {fixture}: this runner cannot make that")

    def queue(self, name):
        return self.neighbour("sqs", "create_queue", {"QueueName": name or "queue-" + uuid.uuid4().hex})["QueueUrl"]

    def names_of(self, fixture, name):
        if name:
            return [name]
        return sorted({self.text(found) for found in re.findall(UNNAMED[fixture], json.dumps(self.case["steps"]))})

    def logs(self, i, group):
        """The log events of a group by execution and id, once there are as many as were recorded."""
        wanted = [
            len(self.case["expect"][m["match"]]) for m in self.case["steps"][i:]
            if "match" in m and isinstance(m["value"], dict) and m["value"].get("$result") == i
        ]
        client, stop = CLIENTS.get("logs", self.options), time.monotonic() + LOGS_SECONDS
        while True:
            events = []
            for stream in client.describe_log_streams(logGroupName=group)["logStreams"]:
                answer = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
                events += [json.loads(e["message"]) for e in answer["events"]]
            if wanted and len(events) >= wanted[0] or time.monotonic() > stop:
                return sorted(events, key=lambda e: (e["execution_arn"], int(e["id"])))
            time.sleep(0.02)


runner.Replay = Replay
runner.skip_reason = skip_reason

if __name__ == "__main__":
    sys.exit(runner.main(sys.argv[2:]))
