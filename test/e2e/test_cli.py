"""A user's script with the AWS CLI."""
import json
import subprocess

from conftest import wait_for


def aws(server, *args):
    done = subprocess.run(["aws", *args, "--output", "json"], env=server.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout


def test_script(server, tmp_path):
    script = tmp_path / "job.py"
    script.write_text("import sys\nprint('arguments', [a for a in sys.argv if a.startswith('--who') or a == 'cli'])\n")
    aws(server, "s3", "mb", "s3://cli-bucket")
    aws(server, "s3", "cp", str(script), "s3://cli-bucket/scripts/job.py")
    assert "job.py" in aws(server, "s3", "ls", "s3://cli-bucket/scripts/")
    aws(server, "secretsmanager", "create-secret", "--name", "cli-secret", "--secret-string", '{"a": 1}')
    aws(server, "glue", "create-job", "--name", "cli-job", "--role", "glue-role",
        "--command", "Name=pythonshell,ScriptLocation=s3://cli-bucket/scripts/job.py,PythonVersion=3.9",
        "--default-arguments", '{"--library-set": "none"}')
    definition = {"StartAt": "Run", "States": {"Run": {
        "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Parameters": {"JobName": "cli-job", "Arguments": {"--who": "cli"}}, "End": True}}}
    machine = aws(server, "stepfunctions", "create-state-machine", "--name", "cli-machine",
                  "--definition", json.dumps(definition), "--role-arn", "arn:aws:iam::123456789012:role/r")["stateMachineArn"]
    arn = aws(server, "stepfunctions", "start-execution", "--state-machine-arn", machine)["executionArn"]

    def ended():
        d = aws(server, "stepfunctions", "describe-execution", "--execution-arn", arn)
        return d["status"] != "RUNNING" and d

    done = wait_for("end", ended)
    assert done["status"] == "SUCCEEDED", done
    history = aws(server, "stepfunctions", "get-execution-history", "--execution-arn", arn)["events"]
    assert history[-1]["type"] == "ExecutionSucceeded"
    run = json.loads(done["output"])["Id"]
    log = aws(server, "logs", "get-log-events", "--log-group-name", "/aws-glue/python-jobs/output", "--log-stream-name", run)
    assert "--who" in log["events"][0]["message"]
    statement = aws(server, "redshift-data", "execute-statement", "--cluster-identifier", "stepwell", "--database", "dev",
                    "--db-user", "awsuser", "--sql", "select 6 * 7 as answer")["Id"]

    def finished():
        d = aws(server, "redshift-data", "describe-statement", "--id", statement)
        return d["Status"] in ("FINISHED", "FAILED", "ABORTED") and d

    assert wait_for("statement", finished)["Status"] == "FINISHED"
    result = aws(server, "redshift-data", "get-statement-result", "--id", statement)
    assert result["Records"] == [[{"longValue": 42}]] and result["ColumnMetadata"][0]["name"] == "answer"
    assert "stepwell" in [c["ClusterIdentifier"] for c in aws(server, "redshift", "describe-clusters")["Clusters"]]
