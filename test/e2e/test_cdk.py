"""A CDK v2 app in TypeScript, and a SAM template: bootstrapped, deployed,
changed and removed with AWS's own tools."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import wait_for

APP = pathlib.Path(__file__).parent / "cdk_app"
SAM = pathlib.Path(__file__).parent / "sam_app"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app's sources in a folder of their own, with what npm installed."""
    folder = tmp_path_factory.mktemp("cdk") / "app"
    shutil.copytree(APP, folder)
    (folder / "node_modules").symlink_to(pathlib.Path(os.environ["CDK_MODULES"]) / "node_modules")
    return folder


@pytest.fixture(scope="module")
def cdk(server, app):
    modules = pathlib.Path(os.environ["CDK_MODULES"]) / "node_modules"

    def run(*args):
        env = dict(server.environment, AWS_REGION="us-east-1", CI="1", CDK_DISABLE_VERSION_CHECK="1", CDK_DISABLE_CLI_TELEMETRY="true")
        env["PATH"] = f"{modules / '.bin'}:{env['PATH']}"
        done = subprocess.run(["cdk", *args, "--no-notices", "--no-color"], cwd=app, env=env, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"cdk {' '.join(args)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


def outputs(server, stack):
    described = server.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}


def ask(server, machine, name):
    """Put the event that starts the machine and return what the execution gave."""
    states = server.client("stepfunctions")
    before = {e["executionArn"] for e in states.list_executions(stateMachineArn=machine)["executions"]}
    entry = {"Source": "greetings", "DetailType": "asked", "Detail": json.dumps({"name": name})}
    assert server.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def ended():
        for e in states.list_executions(stateMachineArn=machine)["executions"]:
            if e["executionArn"] not in before and e["status"] != "RUNNING":
                return states.describe_execution(executionArn=e["executionArn"])

    execution = wait_for("end of the execution", ended)
    assert execution["status"] == "SUCCEEDED", execution
    return json.loads(execution["output"])


def mounts_permitted():
    """Whether a process may have mounts of its own here, as layers at /opt need."""
    return any(subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode == 0 for flags in (["-m"], ["-Um"]))


def test_cdk_app(server, cdk):
    cdk("bootstrap", "aws://123456789012/us-east-1")
    version = server.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]
    assert int(version["Value"]) >= 21
    cdk("bootstrap", "aws://123456789012/us-east-1")  # again: nothing to do

    cdk("deploy", "--require-approval", "never")
    made = outputs(server, "Greetings")
    s3, bucket = server.client("s3"), made["BucketName"]
    assert ask(server, made["MachineArn"], "Ada") == {"greeting": "hello, Ada", "bucket": bucket}
    assert s3.get_object(Bucket=bucket, Key="greeting.txt")["Body"].read() == b"hello"

    assert "no changes" in cdk("deploy", "--require-approval", "never")

    # New code, a changed environment and job, and a custom resource in Node.js.
    cdk("deploy", "--require-approval", "never", "--context", "greeting=good evening", "--context", "autoDelete=true")
    assert outputs(server, "Greetings") == made  # nothing was replaced
    assert ask(server, made["MachineArn"], "Ada")["greeting"] == "good evening, Ada"
    assert s3.get_object(Bucket=bucket, Key="greeting.txt")["Body"].read() == b"good evening"

    # A deployment of files: the layer's AWS CLI is at /opt, by a name that the handler has.
    context = ("--context", "greeting=good evening", "--context", "autoDelete=true", "--context", "files=true")
    if mounts_permitted():
        cdk("deploy", "--require-approval", "never", *context)
        assert s3.get_object(Bucket=bucket, Key="files/note.txt")["Body"].read() == b"good evening"
        assert json.loads(s3.get_object(Bucket=bucket, Key="files/config/settings.json")["Body"].read()) == {"greeting": "good evening"}

    cdk("destroy", "--force", "--context", "autoDelete=true")  # empties the bucket first
    left = server.client("cloudformation").list_stacks()["StackSummaries"]
    assert [s["StackStatus"] for s in left if s["StackName"] == "Greetings"] == ["DELETE_COMPLETE"]
    assert bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert made["MachineArn"] not in [m["stateMachineArn"] for m in server.client("stepfunctions").list_state_machines()["stateMachines"]]
    assert not [f for f in server.client("lambda").list_functions()["Functions"] if f["FunctionName"].startswith("Greetings-")]


def test_sam_template(server, tmp_path):
    server.client("s3").create_bucket(Bucket="sam-artifacts")
    packaged = tmp_path / "packaged.yaml"

    def aws(*args):
        done = subprocess.run(["aws", "cloudformation", *args], env=server.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def deploy(greeting):
        aws("package", "--template-file", str(SAM / "template.yaml"), "--s3-bucket", "sam-artifacts", "--output-template-file", str(packaged))
        aws("deploy", "--template-file", str(packaged), "--stack-name", "sam", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
            "--parameter-overrides", f"Greeting={greeting}")  # fmt: skip

    deploy("hello")
    made = outputs(server, "sam")
    assert ask(server, made["MachineArn"], "Ada") == {"greeting": "hello, Ada"}
    deploy("good evening")
    assert outputs(server, "sam") == made
    assert ask(server, made["MachineArn"], "Ada") == {"greeting": "good evening, Ada"}

    aws("delete-stack", "--stack-name", "sam")
    aws("wait", "stack-delete-complete", "--stack-name", "sam")
    assert made["FunctionName"] not in [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]]
