"""EventBridge: rules, targets, other buses, archives, schedules and a kill, with boto3."""
import json
import signal
import time

import pytest
from conftest import Server, wait_for


@pytest.fixture
def new_server(tmp_path):
    made = []

    def make(*flags):
        made.append(Server(tmp_path, *flags))
        return made[-1]

    yield make
    for server in made:
        server.process.kill()
        server.process.wait()


def make_queue(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def bodies(server, url, wait=5):
    sqs = server.client("sqs")
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10).get("Messages", [])]


def put(server, source, detail, **more):
    out = server.client("events").put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": json.dumps(detail), **more}])
    assert out["FailedEntryCount"] == 0, out
    return out["Entries"][0]["EventId"]


def test_rules(server):
    events = server.client("events")
    url, arn = make_queue(server, "rules")
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    events.put_rule(Name="here", EventBusName="orders", EventPattern='{"detail": {"n": [{"numeric": [">", 1]}]}}')
    events.put_targets(Rule="here", EventBusName=bus, Targets=[{
        "Id": "q", "Arn": arn, "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>, "rule": <aws.events.rule-name>}'}}])
    events.put_rule(Name="on", EventPattern='{"source": [{"prefix": "shop"}]}')
    events.put_targets(Rule="on", Targets=[{"Id": "bus", "Arn": bus}])
    put(server, "shop.a", {"n": 2})
    put(server, "shop.a", {"n": 1})
    put(server, "other", {"n": 3})
    put(server, "other", {"n": 4}, EventBusName="orders")
    got = []
    wait_for("two events", lambda: got.extend(map(json.loads, bodies(server, url))) or len(got) == 2)
    assert sorted(g["n"] for g in got) == [2, 4] and got[0]["rule"] == "here"
    assert [r["Name"] for r in events.list_rules(EventBusName="orders")["Rules"]] == ["here"]
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name="bad", EventPattern='{"source": "x"}')
    with pytest.raises(Exception, match="not implemented: events:PutTargets with a target of kinesis"):
        events.put_targets(Rule="on", Targets=[{"Id": "k", "Arn": "arn:aws:kinesis:us-east-1:123456789012:stream/x"}])


def test_executions(server):
    """A rule starts an execution, whose status changes reach another rule."""
    events, states = server.client("events"), server.client("stepfunctions")
    url, arn = make_queue(server, "executions")
    machine = states.create_state_machine(name="by-rule", roleArn="arn:aws:iam::123456789012:role/r",
                                          definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')["stateMachineArn"]
    events.put_rule(Name="ended", EventPattern=json.dumps({
        "source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"], "detail": {"status": ["SUCCEEDED"], "stateMachineArn": [machine]}}))
    events.put_targets(Rule="ended", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail.input"}])
    events.put_rule(Name="start", EventPattern='{"source": ["starter"]}')
    events.put_targets(Rule="start", Targets=[{"Id": "m", "Arn": machine, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": '{"x": 1}'}])
    put(server, "starter", {})
    body, = bodies(server, url)
    assert json.loads(json.loads(body)) == {"x": 1}


def test_archive(server):
    events = server.client("events")
    url, arn = make_queue(server, "replayed")
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="all", EventSourceArn=bus, EventPattern='{"source": ["kept"]}')["ArchiveArn"]
    begin = time.time() - 60
    put(server, "kept", {"n": 1})
    rule = events.put_rule(Name="replays", EventPattern='{"replay-name": ["again"]}')["RuleArn"]
    events.put_targets(Rule="replays", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail"}])
    assert events.describe_archive(ArchiveName="all")["EventCount"] == 1
    events.start_replay(ReplayName="again", EventSourceArn=archive, EventStartTime=begin, EventEndTime=time.time() + 60,
                        Destination={"Arn": bus, "FilterArns": [rule]})
    wait_for("end", lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED")
    assert bodies(server, url) == ['{"n":1}']


def test_kill(new_server):
    server = new_server()
    url, arn = make_queue(server, "q")
    events = server.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["a"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail.n"}])
    for i in range(100):
        put(server, "a", {"n": i})
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    got = set()
    wait_for("all events", lambda: got.update(bodies(server, url)) or len(got) == 100)


def test_schedule(new_server):
    server = new_server("--time-scale", "0.001")
    url, arn = make_queue(server, "q")
    events = server.client("events")
    events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn}])
    event = json.loads(wait_for("an hour", lambda: bodies(server, url))[0])
    assert event["detail-type"] == "Scheduled Event" and event["source"] == "aws.events"
    assert event["resources"] == [events.describe_rule(Name="r")["Arn"]]
