"""Parameter Store through boto3 and the AWS CLI."""
import json
import subprocess

import pytest


def test_parameters(server):
    ssm = server.client("ssm")
    assert ssm.put_parameter(Name="/e2e/url", Value="one", Type="String", Tags=[{"Key": "team", "Value": "a"}])["Version"] == 1
    assert ssm.put_parameter(Name="/e2e/url", Value="two", Overwrite=True)["Version"] == 2
    ssm.put_parameter(Name="/e2e/db/password", Value="hunter2", Type="SecureString")
    ssm.label_parameter_version(Name="/e2e/url", ParameterVersion=1, Labels=["old"])
    assert ssm.get_parameter(Name="/e2e/url:old")["Parameter"]["Value"] == "one"
    assert ssm.get_parameter(Name="/e2e/db/password")["Parameter"]["Value"] != "hunter2"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/e2e", Recursive=True, WithDecryption=True, PaginationConfig={"PageSize": 1}
    )
    found = {p["Name"]: p["Value"] for page in pages for p in page["Parameters"]}
    assert found == {"/e2e/url": "two", "/e2e/db/password": "hunter2"}
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/e2e/none")


def test_command_line(server):
    def aws(*args):
        done = subprocess.run(["aws", "ssm", *args, "--output", "json"], env=server.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    aws("put-parameter", "--name", "/cli/a", "--value", "x,y", "--type", "StringList")
    assert aws("get-parameters", "--names", "/cli/a", "/cli/b")["InvalidParameters"] == ["/cli/b"]
    assert aws("describe-parameters", "--parameter-filters", "Key=Path,Values=/cli")["Parameters"][0]["Type"] == "StringList"
