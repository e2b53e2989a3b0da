"""Services routed elsewhere: to a second server that demands signatures, as AWS does."""
import json
import os
import subprocess
import urllib.request

import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import Server, wait_for

KEY = {"aws_access_key_id": "AKIAFAR", "aws_secret_access_key": "right"}


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("far"), "--auth", "--credentials", "AKIAFAR:right:111122223333")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}
    s.client("iam", **KEY).create_role(RoleName="etl", AssumeRolePolicyDocument=json.dumps(trust))
    yield s
    s.stop()


@pytest.fixture(scope="module")
def near(far, tmp_path_factory):
    """A server that routes some services to the far one, by two profiles of an AWS configuration."""
    home = tmp_path_factory.mktemp("aws")
    (home / "config").write_text(
        "[profile prod]\nregion = eu-west-1\n"
        "[profile role]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/etl\nsource_profile = prod\n"
        "[profile wrong]\naws_access_key_id = AKIAFAR\naws_secret_access_key = wrong\n")
    (home / "credentials").write_text("[prod]\naws_access_key_id = AKIAFAR\naws_secret_access_key = right\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    patch.setenv("AWS_ENDPOINT_URL_STS", far.endpoint)
    routes = {"redshift-data": "profile=role", "secretsmanager": "profile=prod", "sqs": "profile=prod", "s3": "profile=role",
              "sts": "profile=role", "glue": "profile=wrong,region=us-east-1", "sns": "profile=none,region=us-east-1"}
    flags = [f for name, to in routes.items() for f in ("--route", f"{name}={to},endpoint={far.endpoint}")]
    s = Server(tmp_path_factory.mktemp("near"), *flags)
    patch.undo()
    yield s
    s.stop()


def test_clients_pass_through(near, far):
    assert near.client("sts").get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/etl/stepwell"
    near.client("secretsmanager").create_secret(Name="passed", SecretString="text")
    kept = far.client("secretsmanager", region_name="eu-west-1", **KEY).get_secret_value(SecretId="passed")
    assert (kept["SecretString"], kept["ARN"].split(":")[3:5]) == ("text", ["eu-west-1", "111122223333"])
    with pytest.raises(ClientError, match="Secrets Manager can't find the specified secret.") as caught:
        near.client("secretsmanager").get_secret_value(SecretId="none")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        near.client("glue").get_databases()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    with pytest.raises(ClientError, match='the AWS configuration has no profile "none"'):
        near.client("sns", config=Config(retries={"max_attempts": 0})).list_topics()
    assert near.client("stepfunctions").list_state_machines()["stateMachines"] == []  # not routed


def test_s3(near, far, tmp_path):
    mine, theirs = near.client("s3"), far.client("s3", region_name="eu-west-1", **KEY)
    mine.create_bucket(Bucket="far-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    key = "a b/\u00fc+.bin"
    data = bytes(range(256)) * 4096 * 12  # 12 MiB: several parts
    (tmp_path / "big").write_bytes(data)
    mine.upload_file(str(tmp_path / "big"), "far-bucket", key)
    assert theirs.get_object(Bucket="far-bucket", Key=key)["Body"].read() == data
    mine.put_object(Bucket="far-bucket", Key="small", Body=b"text", ContentType="text/x", Metadata={"a": "b"})
    got = mine.get_object(Bucket="far-bucket", Key="small", Range="bytes=1-2")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"ex", "text/x", {"a": "b"})
    with open(tmp_path / "big", "rb") as stream:  # chunks, with a checksum behind them
        near.client("s3", config=Config(s3={"payload_signing_enabled": False})).put_object(Bucket="far-bucket", Key="stream", Body=stream, ChecksumAlgorithm="CRC32")
    assert theirs.head_object(Bucket="far-bucket", Key="stream")["ContentLength"] == len(data)
    url = mine.generate_presigned_url("get_object", Params={"Bucket": "far-bucket", "Key": "small"})
    assert urllib.request.urlopen(url).read() == b"text"
    host = near.client("s3", config=Config(s3={"addressing_style": "path"}))
    assert [o["Key"] for o in host.list_objects_v2(Bucket="far-bucket")["Contents"]] == [key, "small", "stream"]
    with pytest.raises(ClientError) as caught:
        mine.get_object(Bucket="far-bucket", Key="none")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
    mine.delete_objects(Bucket="far-bucket", Delete={"Objects": [{"Key": k} for k in (key, "small", "stream")]})
    mine.delete_bucket(Bucket="far-bucket")
    assert "far-bucket" not in [b["Name"] for b in theirs.list_buckets()["Buckets"]]


MACHINE = {
    "StartAt": "Run",
    "States": {
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
            "Parameters": {"ClusterIdentifier": "stepwell", "Database": "dev", "DbUser": "awsuser", "Sql": "select 6 * 7"},
            "ResultPath": "$.statement",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Describe"},
        "Describe": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:redshiftdata:describeStatement",
            "Parameters": {"Id.$": "$.statement.Id"},
            "ResultPath": "$.description",
            "Next": "Done?",
        },
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.description.Status", "StringEquals": "FINISHED", "Next": "Fetch"}],
            "Default": "Wait",
        },
        "Fetch": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:redshiftdata:getStatementResult",
            "Parameters": {"Id.$": "$.statement.Id"},
            "ResultSelector": {"answer.$": "$.Records[0][0].LongValue"},
            "ResultPath": "$.result",
            "Next": "Tell",
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl.$": "$.queue", "MessageBody.$": "$.result"},
            "ResultPath": None,
            "Next": "Missing",
        },
        "Missing": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:secretsmanager:getSecretValue",
            "Parameters": {"SecretId": "none"},
            "Catch": [{"ErrorEquals": ["SecretsManager.ResourceNotFoundException"], "ResultPath": "$.missing", "Next": "Child"}],
            "End": True,
        },
        "Child": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn.$": "$.child", "Input": {"from": "near"}},
            "ResultSelector": {"output.$": "$.Output"},
            "End": True,
        },
    },
}


def test_state_machine_across_both(near, far):
    """Statements, a queue and secrets are far; the executions, and a child of one, are near."""
    queue = far.client("sqs", region_name="eu-west-1", **KEY).create_queue(QueueName="told")["QueueUrl"]
    sfn = near.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/r"
    child = sfn.create_state_machine(name="child", roleArn=role, definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}))
    parent = sfn.create_state_machine(name="across", roleArn=role, definition=json.dumps(MACHINE))["stateMachineArn"]
    started = sfn.start_execution(stateMachineArn=parent, input=json.dumps({"queue": queue, "child": child["stateMachineArn"]}))["executionArn"]
    ended = wait_for("end", lambda: (d := sfn.describe_execution(executionArn=started))["status"] != "RUNNING" and d)
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"]) == {"output": {"from": "near"}}
    (message,) = near.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"]) == {"answer": 42}
    ids = [s["Id"] for s in far.client("redshift-data", region_name="eu-west-1", **KEY).list_statements(RoleLevel=False, Status="ALL")["Statements"]]
    assert ids == []  # they are the role's
    assert len(near.client("redshift-data").list_statements(Status="ALL")["Statements"]) == 1


PIPELINE = """
name: routed
services:
  secretsmanager: {{aws: {{profile: prod, endpoint: "{endpoint}"}}}}
secrets:
  - {{name: routed, text: hidden}}
state-machines:
  - {{name: read, definition: read.json}}
start: [{{state-machine: read}}]
expect: [{{execution: SUCCEEDED}}]
"""


def test_pipeline(far, tmp_path):
    """A pipeline says itself which services are elsewhere."""
    (tmp_path / "stepwell.yaml").write_text(PIPELINE.format(endpoint=far.endpoint))
    (tmp_path / "read.json").write_text(json.dumps({"StartAt": "Read", "States": {"Read": {
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:secretsmanager:getSecretValue", "Parameters": {"SecretId": "routed"}, "End": True}}}))
    (tmp_path / "config").write_text("[profile prod]\nregion = eu-west-1\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AKIAFAR\", \"SecretAccessKey\": \"right\"}'\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / "config")}

    def run(*flags):
        return subprocess.run([os.environ["STEPWELL"], "run", str(tmp_path), *flags], capture_output=True, text=True, timeout=60, env=env)

    done = run("--ephemeral")
    assert done.returncode == 0, done.stdout + done.stderr
    assert far.client("secretsmanager", region_name="eu-west-1", **KEY).get_secret_value(SecretId="routed")["SecretString"] == "hidden"
    near = Server(tmp_path / "data")  # does not route
    try:
        refused = run("--data-dir", str(tmp_path / "data"))
        assert refused.returncode != 0 and "--route secretsmanager=profile=prod,endpoint=" in refused.stderr
    finally:
        near.stop()


def test_faults_of_flags(tmp_path):
    def said(*flags):
        done = subprocess.run([os.environ["STEPWELL"], "serve", "--data-dir", str(tmp_path), "--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0", *flags],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode != 0
        return done.stderr

    assert "cannot route" in said("--route", "glue")
    assert "is no URL" in said("--route", "glue=endpoint=x")
    assert 'its name here is "states"' in said("--route", "stepfunctions=aws")
    assert "twice" in said("--route", "glue=aws", "--route", "glue=aws")


def test_warehouse_here_objects_there(near, far):
    """COPY, UNLOAD and external tables of this machine's warehouse on a routed S3."""
    theirs = far.client("s3", region_name="eu-west-1", **KEY)
    theirs.create_bucket(Bucket="lake-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for n in (1, 2):
        theirs.put_object(Bucket="lake-bucket", Key=f"in/{n}.csv", Body=f"{n},one\n{n * 10},two\n")
    where = {"host": near.redshift_host, "port": near.redshift_port, "dbname": "dev", "user": "awsuser"}
    with psycopg.connect(autocommit=True, **where) as db:
        db.execute("create table loaded (id int, word varchar(10))")
        db.execute("copy loaded from 's3://lake-bucket/in/' iam_role default csv")
        assert db.execute("select sum(id), count(*) from loaded").fetchone() == (33, 4)
        theirs.put_object(Bucket="lake-bucket", Key="in/1.csv", Body="100,changed\n")
        db.execute("truncate loaded")
        db.execute("copy loaded from 's3://lake-bucket/in/' iam_role default csv")
        assert db.execute("select sum(id) from loaded").fetchone() == (122,)  # no stale copy
        db.execute("unload ('select * from loaded order by id') to 's3://lake-bucket/out/' iam_role default parquet parallel off")
        (made,) = theirs.list_objects_v2(Bucket="lake-bucket", Prefix="out/")["Contents"]
        assert theirs.get_object(Bucket="lake-bucket", Key=made["Key"])["Body"].read()[:4] == b"PAR1"
        with pytest.raises(psycopg.Error, match="(?i)already|exist|not empty"):
            db.execute("unload ('select 1') to 's3://lake-bucket/out/' iam_role default parquet parallel off")
        with pytest.raises(psycopg.Error, match="(?i)does not exist|not found|nosuch"):
            db.execute("copy loaded from 's3://no-such-bucket-here/in/' iam_role default csv")
    assert not (near.data / "s3" / "lake-bucket").exists()
