"""A secret that a Lambda function rotates, as AWS's rotation function templates do."""
import io
import zipfile

from conftest import wait_for

HANDLER = '''
import boto3

def handler(event, context):
    service = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    versions = service.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSPENDING" not in versions[token]:
        raise ValueError("the version is not to be rotated to")
    if step == "createSecret":
        service.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        try:
            service.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except service.exceptions.ResourceNotFoundException:
            password = service.get_random_password(ExcludePunctuation=True)["RandomPassword"]
            service.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=password, VersionStages=["AWSPENDING"])
    elif step == "finishSecret":
        (was,) = [v for v, stages in versions.items() if "AWSCURRENT" in stages]
        service.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=was)
'''


def test_rotation(server):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("index.py", HANDLER)
    function = server.client("lambda").create_function(
        FunctionName="rotate", Runtime="python3.12", Role="arn:aws:iam::123456789012:role/r", Handler="index.handler", Timeout=30,
        Code={"ZipFile": archive.getvalue()})["FunctionArn"]
    secrets = server.client("secretsmanager")
    arn = secrets.create_secret(Name="rotated", SecretString="first")["ARN"]
    version = secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30})["VersionId"]
    told = wait_for("rotation", lambda: (d := secrets.describe_secret(SecretId=arn)).get("LastRotatedDate") and d)
    assert told["RotationEnabled"] and told["NextRotationDate"] > told["LastRotatedDate"]
    assert told["VersionIdsToStages"][version] == ["AWSCURRENT"]
    value = secrets.get_secret_value(SecretId=arn)
    assert len(value["SecretString"]) == 32 and value["VersionId"] == version
    assert secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"] == "first"
    assert not secrets.cancel_rotate_secret(SecretId=arn).get("VersionId")
    assert secrets.describe_secret(SecretId=arn)["RotationEnabled"] is False
