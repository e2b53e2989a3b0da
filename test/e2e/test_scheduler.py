"""EventBridge Scheduler: schedules of every kind, targets, dead-letter queues and a kill, with boto3."""
import datetime
import json
import signal

import pytest
from conftest import make_queue, wait_for

ROLE = "arn:aws:iam::123456789012:role/r"
OFF = {"Mode": "OFF"}


def receive(server, url, wait=5):
    sqs = server.client("sqs")
    return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])


def test_schedules(server):
    scheduler = server.client("scheduler")
    url, arn = make_queue(server, "scheduled")
    group = scheduler.create_schedule_group(Name="reports", Tags=[{"Key": "team", "Value": "data"}])["ScheduleGroupArn"]
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "team", "Value": "data"}]
    schedule = scheduler.create_schedule(
        Name="nightly", GroupName="reports", ScheduleExpression="cron(0 2 * * ? *)", ScheduleExpressionTimezone="America/New_York",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}, Target={"Arn": arn, "RoleArn": ROLE})["ScheduleArn"]
    assert schedule == "arn:aws:scheduler:us-east-1:123456789012:schedule/reports/nightly"
    got = scheduler.get_schedule(Name="nightly", GroupName="reports")
    assert got["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert got["State"] == "ENABLED" and got["ActionAfterCompletion"] == "NONE"
    assert isinstance(got["CreationDate"], datetime.datetime)
    scheduler.update_schedule(Name="nightly", GroupName="reports", ScheduleExpression="rate(1 day)", State="DISABLED", FlexibleTimeWindow=OFF,
                              Target={"Arn": arn, "RoleArn": ROLE})
    got = scheduler.get_schedule(Name="nightly", GroupName="reports")
    assert got["ScheduleExpressionTimezone"] == "UTC" and got["State"] == "DISABLED"
    assert [s["Name"] for s in scheduler.list_schedules(GroupName="reports")["Schedules"]] == ["nightly"]
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(Name="nightly", GroupName="reports", ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target={"Arn": arn, "RoleArn": ROLE})
    scheduler.delete_schedule_group(Name="reports")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="nightly", GroupName="reports")
    with pytest.raises(scheduler.exceptions.ValidationException, match="Invalid Schedule Expression every day"):
        scheduler.create_schedule(Name="x", ScheduleExpression="every day", FlexibleTimeWindow=OFF, Target={"Arn": arn, "RoleArn": ROLE})


def test_targets(server):
    """A rate begins at once: templated and universal targets."""
    scheduler, states = server.client("scheduler"), server.client("stepfunctions")
    url, arn = make_queue(server, "targets")
    machine = states.create_state_machine(name="by-schedule", roleArn=ROLE, definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')["stateMachineArn"]
    topic = server.client("sns").create_topic(Name="scheduled")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    events = server.client("events")
    events.put_rule(Name="scheduled", EventPattern='{"source": ["my.schedule"]}')
    events.put_targets(Rule="scheduled", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail.text"}])
    bus = events.describe_event_bus()["Arn"]
    targets = {
        "queue": {"Arn": arn, "Input": "queue at <aws.scheduler.scheduled-time>"},
        "topic": {"Arn": topic, "Input": "topic"},
        "bus": {"Arn": bus, "Input": '{"text": "bus"}', "EventBridgeParameters": {"DetailType": "t", "Source": "my.schedule"}},
        "machine": {"Arn": machine, "Input": '{"n": 1}'},
        "universal": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": json.dumps({"QueueUrl": url, "MessageBody": "universal"})},
        "sfn": {"Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution", "Input": json.dumps({"StateMachineArn": machine, "Name": "by-universal"})},
    }
    for name, target in targets.items():
        scheduler.create_schedule(Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target={"RoleArn": ROLE, **target})
    got = []
    wait_for("messages", lambda: got.extend(m["Body"] for m in receive(server, url)) or len(got) == 4)
    assert sorted(g.split(" at ")[0] for g in got) == ['"bus"', "queue", "topic", "universal"]
    wait_for("executions", lambda: len(states.list_executions(stateMachineArn=machine)["executions"]) == 2)
    for name in targets:
        scheduler.delete_schedule(Name=name)


def test_dead_letters(server):
    scheduler = server.client("scheduler")
    url, arn = make_queue(server, "undelivered")
    scheduler.create_schedule(Name="lost", ScheduleExpression="at(2020-01-01T00:00:00)", FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE", Target={
        "Arn": "arn:aws:sqs:us-east-1:123456789012:nowhere", "RoleArn": ROLE, "Input": "payload", "DeadLetterConfig": {"Arn": arn}})
    message, = receive(server, url)
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert message["Body"] == "payload"
    assert attributes["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue" and attributes["RETRY_ATTEMPTS"] == "0"
    assert attributes["SCHEDULE_ARN"].endswith("schedule/default/lost") and attributes["SCHEDULED_TIME"] == "2020-01-01T00:00:00Z"
    wait_for("deletion", lambda: "lost" not in [s["Name"] for s in scheduler.list_schedules()["Schedules"]])


def test_function(server):
    """A universal target with a blob, and the notice that a function without an input gets."""
    scheduler, functions = server.client("scheduler"), server.client("lambda")
    url, arn = make_queue(server, "by-function")
    import io
    import zipfile

    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("f.py", "import boto3, json\ndef handler(event, context):\n"
                   f"    boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody=json.dumps(event))\n")
    functions.create_function(FunctionName="scheduled", Role=ROLE, Runtime="python3.12", Handler="f.handler", Code={"ZipFile": code.getvalue()}, Timeout=60)
    function = functions.get_function(FunctionName="scheduled")["Configuration"]["FunctionArn"]
    wait_for("function", lambda: functions.get_function(FunctionName="scheduled")["Configuration"]["State"] == "Active")
    scheduler.create_schedule(Name="function", ScheduleExpression="rate(7 days)", FlexibleTimeWindow=OFF, Target={"Arn": function, "RoleArn": ROLE})
    event = json.loads(wait_for("event", lambda: receive(server, url))[0]["Body"])
    assert event["source"] == "aws.scheduler" and event["detail-type"] == "Scheduled Event" and event["detail"] == "{}"
    assert event["resources"] == ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/function"]
    scheduler.delete_schedule(Name="function")


def test_kill(new_server):
    """Schedules go on after a kill, also times that came in the meantime."""
    server = new_server()
    url, arn = make_queue(server, "q")
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    for i in range(10):
        server.client("scheduler").create_schedule(Name=f"s{i}", ScheduleExpression=soon, FlexibleTimeWindow=OFF, Target={"Arn": arn, "RoleArn": ROLE, "Input": str(i)})
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    got = set()
    wait_for("all schedules", lambda: got.update(m["Body"] for m in receive(server, url)) or len(got) == 10)


def test_day(new_server):
    """With --time-scale 0 a day passes at once: a rule, a schedule with a time zone, and one that runs once."""
    server = new_server("--time-scale", "0")
    (url, arn), (once, once_arn), (ruled, ruled_arn) = (make_queue(server, name) for name in ("cron", "once", "rule"))
    scheduler, events = server.client("scheduler"), server.client("events")
    scheduler.create_schedule(Name="cron", ScheduleExpression="cron(0 9 * * ? *)", ScheduleExpressionTimezone="Asia/Tokyo", FlexibleTimeWindow=OFF,
                              Target={"Arn": arn, "RoleArn": ROLE, "Input": "cron <aws.scheduler.scheduled-time>"})
    wait_for("nine o'clock in Tokyo", lambda: any(m["Body"].startswith("cron") and m["Body"].endswith("T00:00:00Z") for m in receive(server, url, 1)))
    scheduler.delete_schedule(Name="cron")
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=400)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    scheduler.create_schedule(Name="once", ScheduleExpression=later, FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE",
                              Target={"Arn": once_arn, "RoleArn": ROLE, "Input": "once"})
    wait_for("the one time", lambda: any(m["Body"] == "once" for m in receive(server, once, 1)))
    events.put_rule(Name="r", ScheduleExpression="cron(30 10 * * ? *)")
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": ruled_arn, "InputPath": "$.time"}])
    wait_for("half past ten", lambda: any(m["Body"].endswith('T10:30:00Z"') for m in receive(server, ruled, 1)))
    events.disable_rule(Name="r")
