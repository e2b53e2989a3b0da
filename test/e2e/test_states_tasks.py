"""Tasks that others finish: jobs, callbacks, activity workers, nested executions; and redrive."""
import json
import threading

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import wait_for
from machines import Machines


@pytest.fixture(scope="module")
def machines(server):
    return Machines(server)


@pytest.fixture(scope="module")
def bucket(server):
    server.client("s3").create_bucket(Bucket="tasks-bucket")
    return "tasks-bucket"


def body(server, bucket, key):
    """The text of an object, once it is there."""
    def read():
        try:
            return server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as e:
            assert e.response["Error"]["Code"] == "NoSuchKey"
            return None

    return wait_for(key, read)


def test_job_runs_to_its_end(server, machines, bucket):
    script = "import sys\nfrom awsglue.utils import getResolvedOptions\n" \
             "sys.exit(int(getResolvedOptions(sys.argv, ['code'])['code']))\n"
    server.client("s3").put_object(Bucket=bucket, Key="exit.py", Body=script)
    server.client("glue").create_job(
        Name="exit-job", Role="glue", Command={"Name": "pythonshell", "ScriptLocation": f"s3://{bucket}/exit.py", "PythonVersion": "3.9"})
    job = machines.create("job", {"QueryLanguage": "JSONata", "StartAt": "Run", "States": {
        "Run": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
                "Arguments": {"JobName": "exit-job", "Arguments": {"--code": "{% $string($states.input.code) %}"}},
                "Output": "{% $states.result.JobRunState %}",
                "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Failed",
                           "Output": "{% $parse($states.errorOutput.Cause).JobRunState %}"}], "End": True},
        "Failed": {"Type": "Pass", "End": True}}})
    assert json.loads(machines.run(job, {"code": 0})["output"]) == "SUCCEEDED"
    failed = machines.run(job, {"code": 3})
    assert json.loads(failed["output"]) == "FAILED"
    assert "TaskSubmitted" in machines.types(failed["executionArn"])


@pytest.mark.parametrize("answer", ["success", "failure", "heartbeat timeout"])
def test_task_token(server, machines, bucket, answer):
    key = "token-" + answer.replace(" ", "-")
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken",
             "Parameters": {"Bucket": bucket, "Key": key, "Body.$": "$$.Task.Token"}}
    if answer == "heartbeat timeout":
        state["HeartbeatSeconds"] = 1
    execution = machines.start(machines.create(key, state))
    token, client = json.loads(body(server, bucket, key)), machines.client  # a text is put with its quotes
    if answer == "success":
        client.send_task_heartbeat(taskToken=token)
        assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
        client.send_task_success(taskToken=token, output=json.dumps({"by": "a client"}))
    elif answer == "failure":
        client.send_task_failure(taskToken=token, error="Own.Error", cause="asked for")
    done = machines.ended(execution)
    if answer == "success":
        assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"by": "a client"})
    elif answer == "failure":
        assert (done["status"], done["error"], done["cause"]) == ("FAILED", "Own.Error", "asked for")
    else:
        assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")  # so AWS names a missed heartbeat
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=token, output="{}")


def test_activity_worker(server, machines):
    client = server.client("stepfunctions", config=Config(read_timeout=70))  # get_activity_task waits for up to 60 s
    activity = client.create_activity(name="squares")["activityArn"]

    def work():
        while True:
            task = client.get_activity_task(activityArn=activity, workerName="worker-1")
            if not task.get("taskToken"):
                continue
            n = json.loads(task["input"])["n"]
            if n is None:
                client.send_task_success(taskToken=task["taskToken"], output='"done"')
                return
            client.send_task_heartbeat(taskToken=task["taskToken"])
            if n < 0:
                client.send_task_failure(taskToken=task["taskToken"], error="Negative", cause=str(n))
            else:
                client.send_task_success(taskToken=task["taskToken"], output=json.dumps(n * n))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    squares = machines.create("squares", {"Type": "Map", "MaxConcurrency": 3, "ItemProcessor": {"StartAt": "Square", "States": {
        "Square": {"Type": "Task", "Resource": activity, "HeartbeatSeconds": 60, "End": True,
                   "Parameters": {"n.$": "$"}, "Catch": [{"ErrorEquals": ["Negative"], "Next": "Note"}]},
        "Note": {"Type": "Pass", "InputPath": "$.Cause", "End": True}}}})
    done = machines.run(squares, [1, 2, -3, 4, None])
    assert json.loads(done["output"]) == [1, 4, "-3", 16, "done"]
    started = [e["activityStartedEventDetails"] for e in machines.events(done["executionArn"]) if e["type"] == "ActivityStarted"]
    assert [s["workerName"] for s in started] == ["worker-1"] * 5
    worker.join(10)
    assert not worker.is_alive()


def test_nested_execution(machines):
    child = machines.create("child", {"StartAt": "Good", "States": {
        "Good": {"Type": "Choice", "Default": "Double",
                 "Choices": [{"Variable": "$.n", "NumericLessThan": 0, "Next": "Bad"}]},
        "Double": {"Type": "Pass", "Parameters": {"twice.$": "States.MathAdd($.n, $.n)"}, "End": True},
        "Bad": {"Type": "Fail", "Error": "Negative", "Cause": "below zero"}}})
    parent = {form: machines.create("parent" + str(i), {
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution" + form,
        "Parameters": {"StateMachineArn": child, "Input": {"n.$": "$.n", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}},
    }) for i, form in enumerate(["", ".sync", ".sync:2"])}

    def output(form):
        return json.loads(machines.run(parent[form], {"n": 21})["output"])

    assert output(".sync:2")["Output"] == {"twice": 42}
    assert json.loads(output(".sync")["Output"]) == {"twice": 42}
    started = output("")
    assert set(started) >= {"ExecutionArn", "StartDate"} and machines.ended(started["ExecutionArn"])["status"] == "SUCCEEDED"
    failed = machines.run(parent[".sync:2"], {"n": -1})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(failed["cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Negative", "below zero")


def test_redrive(server, machines, bucket):
    machine = machines.create("redriven", {"StartAt": "Before", "States": {
        "Before": {"Type": "Pass", "Result": {"seen": 1}, "ResultPath": "$.before", "Next": "Read"},
        "Read": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
                 "Parameters": {"Bucket": bucket, "Key": "late.txt"}, "ResultSelector": {"text.$": "$.Body"},
                 "ResultPath": "$.read", "End": True}}})
    failed = machines.run(machine)
    assert (failed["status"], failed["error"]) == ("FAILED", "S3.NoSuchKeyException")
    assert (failed["redriveStatus"], failed["redriveCount"]) == ("REDRIVABLE", 0)
    server.client("s3").put_object(Bucket=bucket, Key="late.txt", Body="now")
    machines.client.redrive_execution(executionArn=failed["executionArn"])
    done = machines.ended(failed["executionArn"])
    assert (done["status"], done["redriveCount"], done["redriveStatus"]) == ("SUCCEEDED", 1, "NOT_REDRIVABLE")
    assert json.loads(done["output"]) == {"before": {"seen": 1}, "read": {"text": "now"}}
    types = machines.types(done["executionArn"])
    assert types.count("PassStateEntered") == 1 and types[types.index("ExecutionRedriven") - 1] == "ExecutionFailed"
    with pytest.raises(machines.client.exceptions.ExecutionNotRedrivable):
        machines.client.redrive_execution(executionArn=done["executionArn"])
