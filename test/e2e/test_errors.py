"""Faults in AWS's words: code, status and text, as boto3 and raw requests see them."""
import urllib.error
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

UNCHECKED = Config(parameter_validation=False, retries={"max_attempts": 1})
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:none"

CASES = [
    # service, operation, arguments, code, status, text (a part)
    ("stepfunctions", "describe_state_machine", {"stateMachineArn": MACHINE}, "StateMachineDoesNotExist", 400,
     f"State Machine Does Not Exist: '{MACHINE}'"),
    ("stepfunctions", "describe_state_machine", {"stateMachineArn": "nonsense"}, "InvalidArn", 400, "Invalid Arn: 'Invalid ARN prefix: nonsense'"),
    ("stepfunctions", "create_state_machine", {"name": "x", "definition": "{", "roleArn": "arn:aws:iam::123456789012:role/r"},
     "InvalidDefinition", 400, "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object'"),
    ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE, "input": "{"}, "InvalidExecutionInput", 400, "Invalid State Machine Execution Input"),
    ("secretsmanager", "get_secret_value", {"SecretId": "none"}, "ResourceNotFoundException", 400,
     "Secrets Manager can't find the specified secret."),
    ("secretsmanager", "get_secret_value", {}, "ValidationException", 400, "secretId"),
    ("glue", "get_job", {"JobName": "none"}, "EntityNotFoundException", 400, "not found"),
    ("glue", "get_database", {"Name": "none"}, "EntityNotFoundException", 400, "none not found"),
    ("glue", "get_job_runs", {"JobName": "x", "MaxResults": 100000}, "ValidationException", 400,
     "failed to satisfy constraint: Member must have value less than or equal to"),
    ("glue", "create_job", {"Name": "x"}, "ValidationException", 400, "Member must not be null"),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:none", "Message": "x"}, "NotFound", 404, "Topic does not exist"),
    ("sns", "subscribe", {"TopicArn": "nonsense", "Protocol": "http"}, "InvalidParameter", 400, "Invalid parameter: TopicArn"),
    ("logs", "get_log_events", {"logGroupName": "none", "logStreamName": "none"}, "ResourceNotFoundException", 400, "The specified log group does not exist"),
    ("redshift-data", "describe_statement", {"Id": "d9b6c0c9-0747-4bf4-b142-e8883122f766"}, "ResourceNotFoundException", 400, "Query does not exist"),
    ("redshift", "describe_clusters", {"ClusterIdentifier": "none"}, "ClusterNotFound", 404, "Cluster none not found"),
    ("s3", "get_object", {"Bucket": "no-such-bucket-here", "Key": "k"}, "NoSuchBucket", 404, "The specified bucket does not exist"),
    ("s3", "put_object", {"Bucket": "no-such-bucket-here", "Key": "k", "Tagging": "aws:x=1"}, "InvalidTag", 400, "System tags cannot be added/updated by requester"),
    ("iam", "get_role", {"RoleName": "none"}, "NoSuchEntity", 404, "The role with name none cannot be found."),
    *[(*call, 400, "aws: prefixed tag key names are not allowed for external use.") for call in (
        ("events", "create_event_bus", {"Name": "reserved", "Tags": [{"Key": "aws:x", "Value": "1"}]}, "ValidationException"),
        ("lambda", "create_function", {"FunctionName": "reserved", "Runtime": "python3.12", "Handler": "a.b", "Role": "arn:aws:iam::123456789012:role/r",
                                       "Code": {"ZipFile": b""}, "Tags": {"aws:x": "1"}}, "InvalidParameterValueException"),
        ("logs", "create_log_group", {"logGroupName": "reserved", "tags": {"AWS:x": "1"}}, "InvalidParameterException"),
        ("cloudformation", "create_stack", {"StackName": "reserved", "TemplateBody": '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}',
                                            "Tags": [{"Key": "aws:x", "Value": "1"}]}, "ValidationError"),
        ("scheduler", "create_schedule_group", {"Name": "reserved", "Tags": [{"Key": "aws:x", "Value": "1"}]}, "ValidationException"),
    )],
    ("glue", "create_dev_endpoint", {"EndpointName": "e", "RoleArn": "arn:aws:iam::123456789012:role/r"}, "NotImplemented", 501, "glue:CreateDevEndpoint"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}.{c[1]}-{c[3]}")
def test_faults(server, case):
    service, operation, arguments, code, status, text = case
    with pytest.raises(ClientError) as caught:
        getattr(server.client(service, config=UNCHECKED), operation)(**arguments)
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert text in answer["Error"]["Message"]


RAW = [
    # target, body, status, part of the answer
    ("AWSStepFunctions.NoSuchOperation", b"{}", 400, "UnknownOperationException"),
    ("AWSStepFunctions.ListStateMachines", b"{", 400, "SerializationException"),
    ("AWSStepFunctions.ListStateMachines", b'{"maxResults": "many"}', 400, "SerializationException"),
    ("AWSStepFunctions.ListStateMachines", b'{"maxResults": 100000}', 400, "ValidationException"),
]


@pytest.mark.parametrize("target,body,status,part", RAW)
def test_raw_requests(server, target, body, status, part):
    request = urllib.request.Request(server.endpoint, data=body, headers={
        "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == status
    answer = caught.value.read().decode()
    assert part in answer and caught.value.headers["x-amzn-requestid"]
