"""Lambda through boto3 and the AWS CLI: handlers run under AWS's runtime client."""
import base64
import io
import json
import subprocess
import time
import zipfile

import pytest
from botocore.exceptions import ClientError
from conftest import Server

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
    if do == "write":
        boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=json.dumps(event).encode())
        return "written"
    if do == "layer":
        import from_layer
        return from_layer.VALUE
    return {"say": helper.SAY, "version": context.function_version, "memory": context.memory_limit_in_mb,
            "own": os.environ.get("OWN"), "left": context.get_remaining_time_in_millis() > 0}
"""


def archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        for name, text in files.items():
            z.writestr(name.replace("__", ".").replace("-", "/"), text)
    return buffer.getvalue()


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
    assert invoke(lam, function, {"do": "account"})[0] == "123456789012"
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
