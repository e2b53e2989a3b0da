"""Lambda through boto3 and the AWS CLI: handlers run under AWS's runtime client."""
import base64
import http.client
import io
import json
import shutil
import subprocess
import time
import zipfile

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from conftest import Server, wait_for

ROLE = "arn:aws:iam::123456789012:role/lambda"

HANDLER = """
import json, os, sys, time
import boto3
import helper

def handler(event, context):
    print("event", json.dumps(event))
    do = event.get("do")
    if do == "raise":
        raise ValueError(event["message"])
    if do == "sleep":
        time.sleep(600)
    if do == "account":
        return boto3.client("sts").get_caller_identity()["Account"]
    if do == "who":
        return boto3.client("sts").get_caller_identity()["Arn"]
    if do == "write":
        boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=json.dumps(event).encode())
        return "written"
    if do == "layer":
        import from_layer
        return from_layer.VALUE
    return {"say": helper.SAY, "version": context.function_version, "memory": context.memory_limit_in_mb,
            "own": os.environ.get("OWN"), "left": context.get_remaining_time_in_millis() > 0}
"""


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        for name, text in files.items():
            z.writestr(name, text)
    return buffer.getvalue()


def archive(**files):
    return zipped({name.replace("__", ".").replace("-", "/"): text for name, text in files.items()})


def code(say="hello"):
    return archive(index__py=HANDLER, helper__py=f"SAY = {say!r}")


@pytest.fixture(scope="module")
def lam(server):
    return server.client("lambda")


@pytest.fixture(scope="module")
def function(lam):
    lam.create_function(FunctionName="main", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code()},
                        Timeout=20, Environment={"Variables": {"OWN": "mine"}}, Tags={"team": "data"})
    lam.get_waiter("function_active_v2").wait(FunctionName="main", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return "main"


def invoke(lam, name, event, **more):
    r = lam.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    return json.loads(r["Payload"].read()), r


def refused(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def test_invoke(server, lam, function):
    said, r = invoke(lam, function, {"a": 1}, LogType="Tail")
    assert said == {"say": "hello", "version": "$LATEST", "memory": "128", "own": "mine", "left": True}
    assert (r["StatusCode"], r["ExecutedVersion"], r.get("FunctionError")) == (200, "$LATEST", None)
    log = base64.b64decode(r["LogResult"]).decode()
    assert 'event {"a": 1}\n' in log and "\nREPORT RequestId: " in log and log.index("START") < log.index("event") < log.index("END")
    who = invoke(lam, function, {"do": "who"})[0]
    assert who == f"arn:aws:sts::123456789012:assumed-role/lambda/{function}"
    failed, r = invoke(lam, function, {"do": "raise", "message": "no"})
    assert r["FunctionError"] == "Unhandled" and failed["errorType"] == "ValueError" and failed["errorMessage"] == "no"
    assert '"/var/task/index.py"' in failed["stackTrace"][0]
    assert lam.invoke(FunctionName=function, InvocationType="DryRun")["StatusCode"] == 204
    assert refused(lam.invoke, FunctionName=function, Payload=b"nonsense")[0] == "InvalidRequestContentException"
    assert refused(lam.invoke, FunctionName="nobody") == (
        "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody")


def test_timeout(lam):
    lam.create_function(FunctionName="slow", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code()}, Timeout=1)
    failed, r = invoke(lam, "slow", {"do": "sleep"})
    assert r["FunctionError"] == "Unhandled" and failed["errorType"] == "Sandbox.Timedout"
    assert failed["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds")
    lam.delete_function(FunctionName="slow")


def test_memory_limit(lam):
    create = {"Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler", "Timeout": 20, "Code": {"ZipFile": archive(
        index__py="import time\ndef handler(event, context):\n    taken = b'x' * (event['mib'] << 20)\n    time.sleep(1)\n    return len(taken)\n")}}
    lam.create_function(FunctionName="hungry", MemorySize=128, **create)
    failed, r = invoke(lam, "hungry", {"mib": 300}, LogType="Tail")
    assert (r["FunctionError"], failed["errorType"]) == ("Unhandled", "Runtime.OutOfMemory")
    assert failed["errorMessage"].endswith(" Error: Runtime exited with error: signal: killed")
    report = base64.b64decode(r["LogResult"]).decode().splitlines()[-1]
    assert "\tMax Memory Used: 128 MB\t" in report and report.endswith("Status: error\tError Type: Runtime.OutOfMemory")
    assert invoke(lam, "hungry", {"mib": 10})[0] == 10 << 20
    lam.update_function_configuration(FunctionName="hungry", MemorySize=512)
    assert invoke(lam, "hungry", {"mib": 300})[0] == 300 << 20
    lam.delete_function(FunctionName="hungry")


def test_what_no_function_has(lam, function):
    assert lam.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"] == []
    assert lam.get_function_code_signing_config(FunctionName=function).get("CodeSigningConfigArn") is None
    assert lam.get_runtime_management_config(FunctionName=function)["UpdateRuntimeOn"] == "Auto"
    assert refused(lam.list_function_url_configs, FunctionName="nobody")[0] == "ResourceNotFoundException"


def test_missing_module(lam):
    lam.create_function(FunctionName="broken", Runtime="python3.12", Role=ROLE, Handler="nowhere.handler", Code={"ZipFile": code()})
    failed, r = invoke(lam, "broken", {})
    assert (r["FunctionError"], failed["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")
    lam.delete_function(FunctionName="broken")


def test_versions_and_aliases(lam, function):
    first = lam.publish_version(FunctionName=function)
    assert first["Version"] == "1" and lam.publish_version(FunctionName=function)["Version"] == "1"
    lam.update_function_code(FunctionName=function, ZipFile=code("goodbye"), Publish=True)
    assert invoke(lam, function, {})[0]["say"] == "goodbye"
    assert invoke(lam, function + ":1", {})[0] == {"say": "hello", "version": "1", "memory": "128", "own": "mine", "left": True}
    lam.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert invoke(lam, function, {}, Qualifier="live")[0]["say"] == "hello"
    lam.update_alias(FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert invoke(lam, function, {}, Qualifier="live")[1]["ExecutedVersion"] == "2"
    assert [v["Version"] for v in lam.list_versions_by_function(FunctionName=function)["Versions"]] == ["$LATEST", "1", "2"]
    assert refused(lam.delete_function, FunctionName=function, Qualifier="2")[0] == "ResourceConflictException"
    assert refused(lam.update_function_configuration, FunctionName=function, RevisionId="11111111-1111-4111-8111-111111111111")[0] == "PreconditionFailedException"


def test_layer_permission_tags(lam, function):
    layer = lam.publish_layer_version(LayerName="shared", Content={"ZipFile": archive(**{"python-from_layer__py": "VALUE = 7"})})
    assert layer["LayerVersionArn"].endswith(":layer:shared:1")
    lam.update_function_configuration(FunctionName=function, Layers=[layer["LayerVersionArn"]])
    assert invoke(lam, function, {"do": "layer"})[0] == 7
    lam.add_permission(FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b")
    statement = json.loads(lam.get_policy(FunctionName=function)["Policy"])["Statement"][0]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"} and statement["Condition"] == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}
    lam.remove_permission(FunctionName=function, StatementId="s3")
    assert refused(lam.get_policy, FunctionName=function)[0] == "ResourceNotFoundException"
    arn = lam.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    lam.tag_resource(Resource=arn, Tags={"more": "yes"})
    assert lam.list_tags(Resource=arn)["Tags"] == {"team": "data", "more": "yes"}


def test_event_from_s3_and_logs(server, lam):
    s3, logs = server.client("s3"), server.client("logs")
    s3.create_bucket(Bucket="lambda-code")
    s3.put_object(Bucket="lambda-code", Key="f.zip", Body=code())
    lam.create_function(FunctionName="from-s3", Runtime="python3.12", Role=ROLE, Handler="index.handler",
                        Code={"S3Bucket": "lambda-code", "S3Key": "f.zip"}, Timeout=20)
    assert lam.invoke(FunctionName="from-s3", InvocationType="Event",
                      Payload=json.dumps({"do": "write", "bucket": "lambda-code", "key": "out"}))["StatusCode"] == 202
    s3.get_waiter("object_exists").wait(Bucket="lambda-code", Key="out", WaiterConfig={"Delay": 1})
    for _ in range(100):
        messages = [e["message"] for e in logs.filter_log_events(logGroupName="/aws/lambda/from-s3")["events"]]
        if any(m.startswith("REPORT") for m in messages):
            break
        time.sleep(0.1)
    assert [m.split()[0] for m in messages] == ["INIT_START", "START", "event", "END", "REPORT"]
    code_, text = refused(lam.create_function, FunctionName="gone", Runtime="python3.12", Role=ROLE, Handler="a.b",
                          Code={"S3Bucket": "lambda-code", "S3Key": "none"})
    assert code_ == "InvalidParameterValueException" and "S3 Error Code: NoSuchKey" in text
    lam.delete_function(FunctionName="from-s3")


def test_state_machine(server, lam, function):
    states = server.client("stepfunctions")
    arn = lam.get_function(FunctionName=function)["Configuration"]["FunctionArn"]

    def run(state, event):
        definition = {"StartAt": "Call", "States": {"Call": {"Type": "Task", "End": True, **state}}}
        machine = states.create_state_machine(name=f"call-{time.time_ns()}", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]
        for _ in range(600):
            answer = states.describe_execution(executionArn=execution)
            if answer["status"] != "RUNNING":
                break
            time.sleep(0.05)
        return answer, [e["type"] for e in states.get_execution_history(executionArn=execution)["events"]]

    answer, events = run({"Resource": arn}, {"do": "account"})
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", '"123456789012"')
    assert events[2:5] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    call = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function, "Payload.$": "$"}}
    answer, _ = run(call, {"do": "account"})
    output = json.loads(answer["output"])
    assert (output["Payload"], output["StatusCode"], output["ExecutedVersion"]) == ("123456789012", 200, "$LATEST")
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    answer, events = run(call, {"do": "raise", "message": "no"})
    assert (answer["status"], answer["error"], json.loads(answer["cause"])["errorMessage"]) == ("FAILED", "ValueError", "no")
    assert "TaskFailed" in events


def test_cli(server, tmp_path):
    (tmp_path / "f.zip").write_bytes(code())

    def aws(*arguments):
        return json.loads(subprocess.run(["aws", "lambda", *arguments], env=server.environment, cwd=tmp_path, check=True, stdout=subprocess.PIPE).stdout or "{}")

    aws("create-function", "--function-name", "cli", "--runtime", "python3.13", "--role", ROLE, "--handler", "index.handler", "--zip-file", "fileb://f.zip")
    subprocess.run(["aws", "lambda", "wait", "function-active-v2", "--function-name", "cli"], env=server.environment, check=True)
    said = aws("invoke", "--function-name", "cli", "--payload", '{"x": 1}', "out.json")
    assert said == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((tmp_path / "out.json").read_text())["say"] == "hello"
    aws("delete-function", "--function-name", "cli")


def test_refusals(lam):
    create = {"Role": ROLE, "Handler": "a.b", "Code": {"ZipFile": code()}}
    assert refused(lam.create_function, FunctionName="x", Runtime="java21", **create) == ("NotImplemented", "not implemented: lambda: runtime java21")
    assert refused(lam.create_function, FunctionName="x", Runtime="python3.12", Role=ROLE, Handler="a.b", Code={"ZipFile": b"no zip"}) == (
        "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.")
    code_, text = refused(lam.create_function, FunctionName="x", Runtime="python3.12", Environment={"Variables": {"AWS_REGION": "x"}}, **create)
    assert code_ == "InvalidParameterValueException" and text.endswith("Reserved keys used in this request: AWS_REGION")


def test_event_survives_kill(tmp_path):
    first = Server(tmp_path)
    first.client("s3").create_bucket(Bucket="kept")
    lam = first.client("lambda")
    lam.create_function(FunctionName="f", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code()}, Timeout=20)
    for n in range(5):
        lam.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"do": "write", "bucket": "kept", "key": str(n)}))
    first.process.kill()
    first.process.wait()
    second = Server(tmp_path)
    try:
        for n in range(5):
            second.client("s3").get_waiter("object_exists").wait(Bucket="kept", Key=str(n), WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    finally:
        second.stop()


QUEUE_HANDLER = """
import json, os, boto3

def handler(event, context):
    bodies = [r["body"] for r in event["Records"]]
    boto3.client("sqs").send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps([bodies, event["Records"][0]]))
    if "raise" in bodies:
        raise ValueError("no")
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "fail"]}
"""


class Fed:
    """A function that is fed from a queue and tells another one what it is given."""

    def __init__(self, server, name, fifo=False, visibility="2", **mapping):
        self.sqs, self.lam, self.name = server.client("sqs"), server.client("lambda"), name
        attributes = {"VisibilityTimeout": visibility, **({"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {})}
        self.url = self.sqs.create_queue(QueueName=name + (".fifo" if fifo else ""), Attributes=attributes)["QueueUrl"]
        self.out = self.sqs.create_queue(QueueName=name + "-out")["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.lam.create_function(FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="index.handler", Timeout=2,
                                 Code={"ZipFile": archive(index__py=QUEUE_HANDLER)}, Environment={"Variables": {"OUT": self.out}})
        self.lam.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        self.mapping = self.lam.create_event_source_mapping(FunctionName=name, EventSourceArn=self.arn, **mapping)

    def told(self, seconds=10):
        """The bodies of a batch and its first record."""
        for message in self.sqs.receive_message(QueueUrl=self.out, WaitTimeSeconds=seconds).get("Messages", []):
            self.sqs.delete_message(QueueUrl=self.out, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])

    def left(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"].values()))


def test_queue_feeds_function(server):
    fed = Fed(server, "fed", FunctionResponseTypes=["ReportBatchItemFailures"])
    assert (fed.mapping["State"], fed.mapping["BatchSize"], fed.mapping["MaximumBatchingWindowInSeconds"]) == ("Creating", 10, 0)
    assert fed.lam.get_event_source_mapping(UUID=fed.mapping["UUID"])["State"] == "Enabled"
    fed.sqs.send_message(QueueUrl=fed.url, MessageBody="one", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}})
    bodies, record = fed.told()
    assert bodies == ["one"] and record["eventSource"] == "aws:sqs" and record["eventSourceARN"] == fed.arn and record["awsRegion"] == "us-east-1"
    assert record["messageAttributes"] == {"n": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "Number"}}
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    wait_for("the message to be deleted", lambda: fed.left() == 0)
    fed.lam.update_event_source_mapping(UUID=fed.mapping["UUID"], Enabled=False)
    assert fed.lam.get_event_source_mapping(UUID=fed.mapping["UUID"])["State"] == "Disabled"
    fed.sqs.send_message_batch(QueueUrl=fed.url, Entries=[{"Id": b, "MessageBody": b} for b in ("a", "fail", "b")])
    assert fed.told(1) is None and fed.left() == 3
    fed.lam.update_event_source_mapping(UUID=fed.mapping["UUID"], Enabled=True)
    assert sorted(fed.told()[0]) == ["a", "b", "fail"]
    bodies, record = fed.told()  # the failed one comes again, alone
    assert bodies == ["fail"] and record["attributes"]["ApproximateReceiveCount"] == "2"
    assert fed.lam.delete_event_source_mapping(UUID=fed.mapping["UUID"])["State"] == "Deleting"
    assert refused(fed.lam.get_event_source_mapping, UUID=fed.mapping["UUID"]) == (
        "ResourceNotFoundException", "The resource you requested does not exist.")


def test_queue_batches_and_filters(server):
    fed = Fed(server, "sieve", visibility="10", BatchSize=100, MaximumBatchingWindowInSeconds=2, FilterCriteria={"Filters": [
        {"Pattern": json.dumps({"body": {"kind": ["new"]}})}, {"Pattern": json.dumps({"body": ["plain"]})}]})
    for n in range(3):
        entries = [json.dumps({"kind": "new", "n": n}), json.dumps({"kind": "old"}), "plain", "other"]
        fed.sqs.send_message_batch(QueueUrl=fed.url, Entries=[{"Id": str(i), "MessageBody": b} for i, b in enumerate(entries)])
    bodies, _ = fed.told()
    assert sorted(bodies) == sorted(["plain"] * 3 + [json.dumps({"kind": "new", "n": n}) for n in range(3)])
    wait_for("the other messages to be deleted", lambda: fed.left() == 0)
    create = {"FunctionName": "sieve", "EventSourceArn": fed.arn}
    assert refused(fed.lam.create_event_source_mapping, **create)[0] == "ResourceConflictException"
    assert [m["UUID"] for m in fed.lam.list_event_source_mappings(FunctionName="sieve")["EventSourceMappings"]] == [fed.mapping["UUID"]]
    fed.lam.delete_event_source_mapping(UUID=fed.mapping["UUID"])
    for change, message in (
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": 1}}'}]}}, "Invalid filter pattern definition."),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"EventSourceArn": fed.arn + "x"}, "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."),
    ):
        code_, text = refused(fed.lam.create_event_source_mapping, **{**create, **change})
        assert code_ == "InvalidParameterValueException" and text.startswith(message), text
    assert refused(fed.lam.create_event_source_mapping, FunctionName="sieve", StartingPosition="LATEST",
                   EventSourceArn="arn:aws:kinesis:us-east-1:123456789012:stream/s") == (
        "NotImplemented", "not implemented: lambda: event source mappings of kinesis")
    fed.lam.update_function_configuration(FunctionName="sieve", Timeout=11)
    assert refused(fed.lam.create_event_source_mapping, **create)[1] == (
        "Queue visibility timeout: 10 seconds is less than Function timeout: 11 seconds")


def test_fifo_queue_keeps_order(server):
    fed = Fed(server, "in-order", fifo=True, BatchSize=2)
    for body in ("1", "2", "raise", "3"):
        fed.sqs.send_message(QueueUrl=fed.url, MessageBody=body, MessageGroupId="g")
    assert refused(fed.lam.create_event_source_mapping, FunctionName="main", EventSourceArn=fed.arn, BatchSize=11, MaximumBatchingWindowInSeconds=1)[0] == (
        "InvalidParameterValueException")
    seen = []
    while "3" not in seen[-3:] or len(seen) < 6:
        seen += fed.told()[0]
    # A group waits for the message that fails; what is sent with it fails with it.
    firsts = list(dict.fromkeys(seen))
    assert firsts == ["1", "2", "raise", "3"] and seen.count("raise") >= 2
    fed.lam.delete_event_source_mapping(UUID=fed.mapping["UUID"])


def test_queue_feeds_function_after_kill(tmp_path):
    first = Server(tmp_path)
    fed = Fed(first, "kept", visibility="3")
    fed.sqs.send_message(QueueUrl=fed.url, MessageBody="before")
    assert fed.told()[0] == ["before"]
    fed.lam.update_event_source_mapping(UUID=fed.mapping["UUID"], BatchSize=1)
    fed.sqs.send_message_batch(QueueUrl=fed.url, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    first.process.kill()
    first.process.wait()
    second = Server(tmp_path)
    try:
        fed.sqs, fed.out = second.client("sqs"), second.client("sqs").get_queue_url(QueueName="kept-out")["QueueUrl"]
        seen = set()
        while len(seen) < 10:
            seen.update(fed.told(20)[0])
        assert seen == {str(n) for n in range(10)}
    finally:
        second.stop()


def drain(sqs, url, seconds=20):
    """The body of the next message of a queue, as JSON."""
    message, = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def new_queue(sqs, name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_destinations(server, lam):
    """An asynchronous invocation tells a queue, a topic, a bus and a function of its end."""
    sqs, sns, events = server.client("sqs"), server.client("sns"), server.client("events")
    url, queue = new_queue(sqs, "ends-told")
    topic = sns.create_topic(Name="ends-told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    bus = events.create_event_bus(Name="ends-told")["EventBusArn"]
    events.put_rule(Name="ends-told", EventBusName="ends-told", EventPattern='{"source": ["lambda"]}')
    events.put_targets(Rule="ends-told", EventBusName="ends-told", Targets=[{"Id": "q", "Arn": queue}])
    lam.create_function(FunctionName="ends", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code()}, Timeout=20)
    arn = lam.create_function(FunctionName="hears", Runtime="python3.12", Role=ROLE, Handler="index.handler", Timeout=20, Code={"ZipFile": archive(
        index__py="import json, os, boto3\ndef handler(event, context):\n"
                  "    boto3.client('sqs').send_message(QueueUrl=os.environ['OUT'], MessageBody=json.dumps({'heard': event}))\n")},
        Environment={"Variables": {"OUT": url}})["FunctionArn"]
    for event, condition, function_error in (({"a": 1}, "Success", None), ({"do": "raise", "message": "no"}, "RetriesExhausted", "Unhandled")):
        side = "OnFailure" if function_error else "OnSuccess"
        for destination in (queue, topic, bus, arn):
            lam.put_function_event_invoke_config(FunctionName="ends", MaximumRetryAttempts=0, DestinationConfig={side: {"Destination": destination}})
            lam.invoke(FunctionName="ends", InvocationType="Event", Payload=json.dumps(event))
            record = drain(sqs, url)
            if destination == bus:
                assert record["detail-type"] == "Lambda Function Invocation Result - " + ("Failure" if function_error else "Success")
                assert record["source"] == "lambda" and record["resources"][1].endswith(":function:ends:$LATEST")
                record = record["detail"]
            elif destination == arn:
                record = record["heard"]
            context = record["requestContext"]
            assert (record["version"], record["requestPayload"], context["condition"], context["approximateInvokeCount"]) == ("1.0", event, condition, 1)
            assert context["functionArn"].endswith(":function:ends:$LATEST")
            assert record["responseContext"].get("functionError") == function_error and record["responseContext"]["statusCode"] == 200
            if function_error:
                assert record["responsePayload"]["errorMessage"] == "no"
            else:
                assert record["responsePayload"]["say"] == "hello"


PIP_HANDLER = """
import os, subprocess, sys, tempfile

def handler(event, context):
    folder = os.path.join(tempfile.gettempdir(), "packages")
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", folder, event["wheel"]])
    sys.path.insert(0, folder)
    import brought
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", event["other"]])
    import brought_too
    return [brought.VALUE, brought_too.VALUE]
"""


def wheel(folder, name, value):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    path.write_bytes(zipped({
        name + ".py": f"VALUE = {value}",
        about + "/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        about + "/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        about + "/RECORD": "",
    }))
    return str(path)


def test_pip_at_run_time(lam, tmp_path):
    lam.create_function(FunctionName="brings", Runtime="python3.12", Role=ROLE, Handler="index.handler", Timeout=60,
                        Code={"ZipFile": archive(index__py=PIP_HANDLER)})
    said, _ = invoke(lam, "brings", {"wheel": wheel(tmp_path, "brought", 7), "other": wheel(tmp_path, "brought_too", 8)})
    assert said == [7, 8]


def test_task_token(server, lam):
    """A function is given a task token; another one answers with it."""
    states = server.client("stepfunctions")
    lam.create_function(FunctionName="answers", Runtime="python3.12", Role=ROLE, Handler="index.handler", Timeout=20, Code={"ZipFile": archive(
        index__py="import json, boto3\ndef handler(event, context):\n    c = boto3.client('stepfunctions')\n"
                  "    if event['ok']:\n        c.send_task_success(taskToken=event['token'], output=json.dumps({'n': event['n'] + 1}))\n"
                  "    else:\n        c.send_task_failure(taskToken=event['token'], error='No', cause='said so')\n")})
    definition = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "End": True, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": {
        "FunctionName": "answers", "InvocationType": "Event", "Payload": {"token.$": "$$.Task.Token", "n.$": "$.n", "ok.$": "$.ok"}}}}}
    machine = states.create_state_machine(name="asks", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    for ok in (True, False):
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"n": 1, "ok": ok}))["executionArn"]
        answer = wait_for("the execution to end", lambda: (d := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and d)
        if ok:
            assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 2})
        else:
            assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "No", "said so")
    # A task that waits for a job ends by its token as well, whatever becomes of the job.
    ask = definition["States"]["Ask"] | {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "answers", "Payload.$": "$"}, "Next": "Wait"}
    del ask["End"]
    inner = {"StartAt": "Ask", "States": {"Ask": ask, "Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    inner = states.create_state_machine(name="asked", definition=json.dumps(inner), roleArn=ROLE)["stateMachineArn"]
    outer = {"StartAt": "Run", "States": {"Run": {"Type": "Task", "End": True, "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": {
        "StateMachineArn": inner, "Input": {"token.$": "$$.Task.Token", "n": 1, "ok": True}}}}}
    outer = states.create_state_machine(name="runs", definition=json.dumps(outer), roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=outer)["executionArn"]
    answer = wait_for("the execution to end", lambda: (d := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and d)
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 2})


NODE_HANDLER = """
const { S3Client, PutObjectCommand } = require("@aws-sdk/client-s3");
exports.handler = async (event, context) => {
  console.log("event", JSON.stringify(event));
  if (event.fail) throw new TypeError(event.fail);
  if (event.answer) { // as the AWS CDK's custom resources do: https at its port, whatever the URL says
    const url = require("url").parse(event.answer);
    return new Promise((resolve, reject) => require("https").request({ hostname: url.hostname, path: url.path, method: "PUT", headers: { "content-length": 2 } },
      (response) => resolve(response.resume().statusCode)).on("error", reject).end("{}"));
  }
  if (event.requires) {
    try { return Object.keys(require("@aws-sdk/" + event.requires)).length > 0; } catch (e) { return e.code !== "MODULE_NOT_FOUND"; }
  }
  if (event.write) await new S3Client({ forcePathStyle: true }).send(new PutObjectCommand({ Bucket: "node-out", Key: event.write, Body: "x" }));
  return { own: process.env.OWN, name: context.functionName, version: context.functionVersion, left: context.getRemainingTimeInMillis() > 0 };
};
exports.callback = (event, context, callback) => {
  if (event.uncaught) setTimeout(() => { throw new RangeError("late"); }, 5);
  else if (event.fail) callback(new Error(event.fail));
  else setTimeout(() => callback(null, "later"), 20);
};
"""

MODULE_HANDLER = """
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
const sts = new STSClient({});
const named = (name) => "@aws-sdk/" + name;
export const handler = async (event) => {
  if (event.imports) return Object.keys(await import(named(event.imports))).includes("Sha256");
  return (await sts.send(new GetCallerIdentityCommand({}))).Account;
};
"""


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js and npm")
def test_node(server, lam):
    server.client("s3").create_bucket(Bucket="node-out")
    for name, files, handler in (("node", {"index__js": NODE_HANDLER}, "index.handler"), ("node-callback", {"index__js": NODE_HANDLER}, "index.callback"),
                                 ("node-module", {"app__mjs": MODULE_HANDLER}, "app.handler")):
        lam.create_function(FunctionName=name, Runtime="nodejs20.x", Role=ROLE, Handler=handler, Code={"ZipFile": archive(**files)}, Timeout=20,
                            Environment={"Variables": {"OWN": "mine"}})
        lam.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    said, r = invoke(lam, "node", {"write": "k"}, LogType="Tail")
    assert said == {"own": "mine", "name": "node", "version": "$LATEST", "left": True}
    log = base64.b64decode(r["LogResult"]).decode()
    assert '\tINFO\tevent {"write":"k"}\n' in log and log.index("START") < log.index("event") < log.index("END") < log.index("REPORT")
    assert server.client("s3").head_object(Bucket="node-out", Key="k")
    failed, r = invoke(lam, "node", {"fail": "no"})
    assert (r["FunctionError"], failed["errorType"], failed["errorMessage"], failed["trace"][0]) == ("Unhandled", "TypeError", "no", "TypeError: no")
    assert "(/var/task/index.js:" in failed["trace"][1] and "(file:///var/runtime/index.mjs:" in failed["trace"][2]
    assert invoke(lam, "node-callback", {})[0] == "later"
    assert invoke(lam, "node-callback", {"fail": "no"})[0]["errorMessage"] == "no"
    assert invoke(lam, "node-callback", {"uncaught": True})[0]["errorType"] == "RangeError"
    assert invoke(lam, "node-callback", {})[0] == "later"
    assert invoke(lam, "node-module", {})[0] == "123456789012"
    assert invoke(lam, "node", {"answer": server.endpoint + "/_stepwell/cloudformation/nothing/known"})[0] == 403
    # Packages whose names the code computes.
    assert invoke(lam, "node-module", {"imports": "util-hex-encoding"})[0] is False
    assert invoke(lam, "node", {"requires": "util-utf8-browser"})[0] is True
    assert invoke(lam, "node", {"requires": "no-such-package-at-all"})[0] is False
    lam.create_function(FunctionName="node-broken", Runtime="nodejs22.x", Role=ROLE, Handler="none.handler", Code={"ZipFile": archive(index__js="")})
    assert invoke(lam, "node-broken", {})[0]["errorType"] == "Runtime.ImportModuleError"


URL_TEMPLATE = {
    "Resources": {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": (
            "def handler(event, context):\n"
            "    who = event.get('queryStringParameters', {}).get('who', event['requestContext']['accountId'])\n"
            "    return {'statusCode': 201, 'headers': {'X-Path': event['rawPath']}, 'cookies': ['a=1', 'b=2'], 'body': 'hello, ' + who}\n")}}},
        "Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Ref": "Function"}, "AuthType": {"Ref": "Auth"}}},
    },
    "Parameters": {"Auth": {"Type": "String", "Default": "NONE"}},
    "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}},
}  # fmt: skip


def test_function_url(server):
    """A function with a URL, from a template: called without and with signatures."""
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(StackName="with-url", TemplateBody=json.dumps(URL_TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="with-url", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    url = cloudformation.describe_stacks(StackName="with-url")["Stacks"][0]["Outputs"][0]["OutputValue"]
    host = url.split("/")[2]
    port = host.rpartition(":")[2]

    def get(path, **headers):  # names below localhost are not known everywhere
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        connection.request("GET", "/" + path, headers={"Host": host, **headers})
        r = connection.getresponse()
        return r.status, r.headers, r.read().decode()

    status, headers, body = get("some/path?who=Ada")
    assert (status, headers["X-Path"], headers.get_all("Set-Cookie"), body) == (201, "/some/path", ["a=1", "b=2"], "hello, Ada")
    assert get("metrics")[0] == 201  # no page of the server's own

    cloudformation.update_stack(StackName="with-url", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Auth", "ParameterValue": "AWS_IAM"}])
    cloudformation.get_waiter("stack_update_complete").wait(StackName="with-url", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    assert get("")[0] == 403
    signed = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials("123456789012", "anything"), "lambda", "us-east-1").add_auth(signed)
    assert get("", **dict(signed.headers.items()))[2] == "hello, 123456789012"
    cloudformation.delete_stack(StackName="with-url")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="with-url", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert get("")[0] == 404
