"""Express executions, TestState, validation and execution logs, with the AWS CLI and boto3."""
import json
import subprocess

import pytest
from conftest import wait_for
from machines import Machines


def aws(server, *args):
    done = subprocess.run(["aws", "stepfunctions", *args, "--output", "json"], env=server.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_express_synchronous(server):
    machine = Machines(server).create("express", {"QueryLanguage": "JSONata", "StartAt": "Add", "States": {
        "Add": {"Type": "Pass", "Output": "{% $states.input.a + $states.input.b %}", "End": True}}}, type="EXPRESS")
    good = aws(server, "start-sync-execution", "--state-machine-arn", machine, "--input", '{"a": 40, "b": 2}', "--name", "by-cli")
    assert (good["status"], good["output"], good["name"]) == ("SUCCEEDED", "42", "by-cli")
    assert good["billingDetails"]["billedMemoryUsedInMB"] > 0 and ":express:" in good["executionArn"]
    bad = aws(server, "start-sync-execution", "--state-machine-arn", machine, "--input", '{"a": "x", "b": 2}')
    assert (bad["status"], bad["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_state_alone(server):
    state = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 9, "Next": "Big"}], "Default": "Small"}
    for n, target in (10, "Big"), (9, "Small"):
        answer = aws(server, "test-state", "--definition", json.dumps(state), "--input", json.dumps({"n": n}), "--inspection-level", "DEBUG")
        assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", target)
        assert json.loads(answer["inspectionData"]["input"]) == {"n": n}
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5}]}
    mocked = aws(server, "test-state", "--definition", json.dumps(task), "--mock", '{"result": "{\\"Buckets\\": []}"}')
    assert (mocked["status"], json.loads(mocked["output"])) == ("SUCCEEDED", {"Buckets": []})
    failing = aws(server, "test-state", "--definition", json.dumps(task), "--mock", '{"errorOutput": {"error": "E", "cause": "c"}}',
                  "--inspection-level", "DEBUG")
    assert (failing["status"], failing["error"]) == ("RETRIABLE", "E")
    assert failing["inspectionData"]["errorDetails"]["retryBackoffIntervalSeconds"] == 5


def test_validation(server):
    good = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    assert aws(server, "validate-state-machine-definition", "--definition", json.dumps(good))["result"] == "OK"
    bad = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}
    answer = aws(server, "validate-state-machine-definition", "--definition", json.dumps(bad))
    assert answer["result"] == "FAIL"
    assert [(d["severity"], d["code"], d.get("location")) for d in answer["diagnostics"]] == [
        ("ERROR", "MISSING_TRANSITION_TARGET", "/States/A/Next"), ("ERROR", "MISSING_END_STATE", None)]


@pytest.mark.parametrize("level", ["ALL", "ERROR"])
@pytest.mark.parametrize("type", ["STANDARD", "EXPRESS"])
def test_logs(server, type, level):
    logs, machines = server.client("logs"), Machines(server)
    group = f"/aws/vendedlogs/states/{type}-{level}"
    logs.create_log_group(logGroupName=group)
    machine = machines.create(f"logged-{type}-{level}", {"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Fail", "Error": "Own", "Cause": "c"}}}, type=type, loggingConfiguration={
            "level": level, "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"}}]})
    execution = machines.start(machine, {"x": 1})

    def events():
        found = [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName=group)["events"]]
        return found if found and found[-1]["type"] == "ExecutionFailed" else None

    found = wait_for("log of the end", events)
    assert {e["execution_arn"] for e in found} == {execution}
    types = [e["type"] for e in found]
    if level == "ALL":
        assert types == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered", "ExecutionFailed"]
        assert json.loads(found[0]["details"]["input"]) == {"x": 1}
    else:
        assert types[-1] == "ExecutionFailed" and "PassStateEntered" not in types
    assert found[-1]["details"]["error"] == "Own"
