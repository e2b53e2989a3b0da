"""A user's script with boto3: upload, secret, job, execution, history, logs."""
import json

from conftest import wait_for

JOB = """
import sys
import boto3
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["name", "secret"])
value = boto3.client("secretsmanager").get_secret_value(SecretId=args["secret"])["SecretString"]
if args["name"] == "fail":
    raise ValueError("asked to fail")
boto3.client("s3").put_object(Bucket="boto-bucket", Key="out/" + args["name"], Body=value)
print("hello", args["name"])
"""


def test_script(server):
    s3, glue, states = server.client("s3"), server.client("glue"), server.client("stepfunctions")
    s3.create_bucket(Bucket="boto-bucket")
    s3.put_object(Bucket="boto-bucket", Key="job.py", Body=JOB)
    server.client("secretsmanager").create_secret(Name="boto-secret", SecretString="the value")
    glue.create_job(
        Name="boto-job", Role="arn:aws:iam::123456789012:role/glue",
        Command={"Name": "pythonshell", "ScriptLocation": "s3://boto-bucket/job.py", "PythonVersion": "3.9"},
        DefaultArguments={"--secret": "boto-secret"},
    )
    definition = {
        "StartAt": "Run",
        "States": {"Run": {
            "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": "boto-job", "Arguments": {"--name.$": "$.name"}},
            "ResultSelector": {"run.$": "$.Id", "state.$": "$.JobRunState"}, "End": True,
        }},
    }
    machine = states.create_state_machine(
        name="boto-machine", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/states"
    )["stateMachineArn"]

    def run(name):
        arn = states.start_execution(stateMachineArn=machine, input=json.dumps({"name": name}))["executionArn"]
        return wait_for("end", lambda: (d := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and d)

    done = run("world")
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["state"] == "SUCCEEDED"
    assert s3.get_object(Bucket="boto-bucket", Key="out/world")["Body"].read() == b"the value"
    types = [e["type"] for e in states.get_execution_history(executionArn=done["executionArn"])["events"]]
    assert types == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted",
                     "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]
    events = server.client("logs").get_log_events(
        logGroupName="/aws-glue/python-jobs/output", logStreamName=output["run"])["events"]
    assert [e["message"].strip() for e in events] == ["hello world"]

    failed = run("fail")
    assert failed["status"] == "FAILED" and failed["error"] == "States.TaskFailed"
    assert "asked to fail" in json.loads(failed["cause"])["ErrorMessage"]


def test_accounts_and_regions_are_apart(server):
    other = server.client("secretsmanager", aws_access_key_id="210987654321")
    assert server.client("sts", aws_access_key_id="210987654321").get_caller_identity()["Account"] == "210987654321"
    assert [s["Name"] for s in other.list_secrets()["SecretList"]] == []
    elsewhere = server.client("secretsmanager", region_name="eu-west-1")
    elsewhere.create_secret(Name="only-here", SecretString="x")
    names = [s["Name"] for s in server.client("secretsmanager").list_secrets()["SecretList"]]
    assert "only-here" not in names


def test_objects_large_and_small(server, tmp_path):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="large-bucket")
    big = tmp_path / "big"
    big.write_bytes(bytes(range(256)) * 80_000)  # 20 MB: uploaded in parts
    s3.upload_file(str(big), "large-bucket", "dir/big")
    back = tmp_path / "back"
    s3.download_file("large-bucket", "dir/big", str(back))
    assert back.read_bytes() == big.read_bytes()
    part = s3.get_object(Bucket="large-bucket", Key="dir/big", Range="bytes=256-511")["Body"].read()
    assert part == bytes(range(256))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "large-bucket", "Key": "dir/big"})
    import urllib.request
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Length"] == str(20_480_000)


def test_data_api_text_of_several_statements(server):
    data = server.client("redshift-data")

    def run(sql):
        told = data.execute_statement(ClusterIdentifier="stepwell", Database="dev", DbUser="awsuser", Sql=sql)
        return wait_for("end", lambda: (d := data.describe_statement(Id=told["Id"]))["Status"] in ("FINISHED", "FAILED") and d)

    assert run("create table several (a int); insert into several values (1); insert into several values (2);")["Status"] == "FINISHED"
    failed = run("insert into several values (3); insert into several values ('x')")
    assert failed["Status"] == "FAILED" and "invalid input syntax" in failed["Error"]
    count = run("select count(*), sum(a) from several")
    assert data.get_statement_result(Id=count["Id"])["Records"] == [[{"longValue": 2}, {"longValue": 3}]]
