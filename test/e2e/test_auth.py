"""A server that verifies: who has the right secret gets in, also through URLs, roles, jobs and the warehouse."""
import os
import subprocess
import urllib.error
import urllib.request

import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import Server, wait_for

KEY = {"aws_access_key_id": "AKIAE2E", "aws_secret_access_key": "right"}
PASSWORD = "Password1"


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("locked"), "--auth", "--credentials", "AKIAE2E:right:111122223333", "--redshift-password", PASSWORD)
    s.client("s3", **KEY).create_bucket(Bucket="locked-bucket")
    yield s
    s.stop()


REFUSED = [
    # service, operation, code with a wrong secret, code with an unknown key
    ("sts", "get_caller_identity", "SignatureDoesNotMatch", "InvalidClientTokenId"),
    ("glue", "get_jobs", "InvalidSignatureException", "UnrecognizedClientException"),
    ("sns", "list_topics", "SignatureDoesNotMatch", "InvalidClientTokenId"),
    ("stepfunctions", "list_state_machines", "InvalidSignatureException", "UnrecognizedClientException"),
    ("s3", "list_buckets", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c[0])
def test_wrong_credentials(locked, case):
    service, operation, wrong, unknown = case
    getattr(locked.client(service, **KEY), operation)()
    for key, secret, code in [("AKIAE2E", "wrong", wrong), ("AKIANOBODY", "right", unknown), ("123456789012", "anything", unknown)]:
        with pytest.raises(ClientError) as caught:
            getattr(locked.client(service, aws_access_key_id=key, aws_secret_access_key=secret), operation)()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("version", [None, "s3v4"])  # boto3 makes version 2 where nothing is said
def test_presigned(locked, version):
    s3 = locked.client("s3", **KEY)
    key = "a b/\u00fc+.txt"
    s3.put_object(Bucket="locked-bucket", Key=key, Body=b"text")
    signer = locked.client("s3", config=Config(signature_version=version), **KEY)

    def url(operation, key, **options):
        return signer.generate_presigned_url(operation, Params={"Bucket": "locked-bucket", "Key": key}, **options)

    with urllib.request.urlopen(url("get_object", key)) as answer:
        assert answer.read() == b"text"
    put = urllib.request.Request(url("put_object", "put"), data=b"new", method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(put).close()
    assert s3.get_object(Bucket="locked-bucket", Key="put")["Body"].read() == b"new"
    good = url("get_object", key)
    assert ("X-Amz-Signature" in good) == (version == "s3v4")
    for bad in [good.replace("a%20b", "a%20c"), good.replace("AKIAE2E", "AKIANOBODY"), url("get_object", key, ExpiresIn=-60)]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(bad)
        assert caught.value.code in (400, 403)  # version 4 knows no negative time


def test_role(locked):
    given = locked.client("sts", **KEY).assume_role(RoleArn="arn:aws:iam::111122223333:role/etl", RoleSessionName="me")["Credentials"]
    role = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    who = locked.client("sts", aws_session_token=given["SessionToken"], **role).get_caller_identity()["Arn"]
    assert who == "arn:aws:sts::111122223333:assumed-role/etl/me"
    assert locked.client("s3", aws_session_token=given["SessionToken"], **role).list_objects_v2(Bucket="locked-bucket")["Name"]
    with pytest.raises(ClientError):
        locked.client("sts", **role).get_caller_identity()


def test_job_uses_its_own_credentials(locked):
    locked.client("s3", **KEY).put_object(
        Bucket="locked-bucket", Key="job.py", Body="import boto3\nboto3.client('s3').put_object(Bucket='locked-bucket', Key='made', Body=b'x')\n")
    glue = locked.client("glue", **KEY)
    glue.create_job(Name="job", Role="arn:aws:iam::111122223333:role/glue",
                    Command={"Name": "pythonshell", "ScriptLocation": "s3://locked-bucket/job.py", "PythonVersion": "3.9"})
    run = glue.start_job_run(JobName="job")["JobRunId"]

    def ended():
        r = glue.get_job_run(JobName="job", RunId=run)["JobRun"]
        return r["JobRunState"] not in ("STARTING", "RUNNING") and r

    assert wait_for("end of the job", ended)["JobRunState"] == "SUCCEEDED"
    assert locked.client("s3", **KEY).head_object(Bucket="locked-bucket", Key="made")["ContentLength"] == 1


def test_warehouse_passwords(locked):
    where = {"host": locked.redshift_host, "port": locked.redshift_port, "dbname": "dev"}
    with psycopg.connect(user="awsuser", password=PASSWORD, **where) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "awsuser"'):
        psycopg.connect(user="awsuser", password="wrong", **where)
    given = locked.client("redshift", **KEY).get_cluster_credentials(ClusterIdentifier="stepwell", DbUser="guest", AutoCreate=True)
    with psycopg.connect(user=given["DbUser"], password=given["DbPassword"], **where) as connection:
        assert connection.execute("select current_user").fetchone() == ("guest",)


def test_own_commands_use_the_environments_credentials(locked):
    def run(*args, **env):
        return subprocess.run([os.environ["STEPWELL"], *args, "--data-dir", str(locked.data)], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env})

    keys = {"AWS_ACCESS_KEY_ID": "AKIAE2E", "AWS_SECRET_ACCESS_KEY": "right"}
    assert run("executions", **keys).returncode == 0
    assert "UnrecognizedClientException" in run("executions").stderr
    assert run("sql", "-c", "select 6 * 7", PGPASSWORD=PASSWORD).stdout.split()[2] == "42"
    assert "password authentication failed" in run("sql", "-c", "select 1").stderr
