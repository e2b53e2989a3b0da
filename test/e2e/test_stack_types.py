"""One template for each family of resource types: it is created, changed and deleted, and nothing is left."""
import io
import json
import time
import zipfile

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import wait_for

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def ref(name):
    return {"Ref": name}


def att(name, attribute):
    return {"Fn::GetAtt": [name, attribute]}


class Stack:
    """A stack of a template, a dict of logical id to (type, properties)."""

    def __init__(self, server, name):
        self.client, self.name = server.client("cloudformation"), name

    def _body(self, resources, outputs):
        template = {"Resources": {k: {"Type": t, "Properties": p} for k, (t, p) in resources.items()},
                    "Outputs": {k: {"Value": v} for k, v in (outputs or {}).items()}}
        return json.dumps(template)

    def _settled(self):
        stack = self.client.describe_stacks(StackName=self.id)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    def _done(self, status):
        stack = wait_for("stack", self._settled)
        faults = [(e["LogicalResourceId"], e.get("ResourceStatusReason"))
                  for e in self.client.describe_stack_events(StackName=self.id)["StackEvents"] if "FAILED" in e["ResourceStatus"]]
        assert stack["StackStatus"] == status, faults
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}

    def create(self, resources, outputs=None):
        self.id = self.client.create_stack(StackName=self.name, TemplateBody=self._body(resources, outputs),
                                           Capabilities=["CAPABILITY_NAMED_IAM"], Tags=[{"Key": "team", "Value": "etl"}])["StackId"]
        return self._done("CREATE_COMPLETE")

    def update(self, resources, outputs=None):
        self.client.update_stack(StackName=self.name, TemplateBody=self._body(resources, outputs), Capabilities=["CAPABILITY_NAMED_IAM"],
                                 Tags=[{"Key": "team", "Value": "etl"}])
        return self._done("UPDATE_COMPLETE")

    def delete(self):
        self.client.delete_stack(StackName=self.name)
        self._done("DELETE_COMPLETE")

    def physical(self):
        return {r["LogicalResourceId"]: r["PhysicalResourceId"]
                for r in self.client.list_stack_resources(StackName=self.name)["StackResourceSummaries"]}


def gone(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"]


def test_iam(server):
    iam, s = server.client("iam"), Stack(server, "types-iam")
    resources = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST, "Path": "/etl/", "Policies": [{"PolicyName": "own", "PolicyDocument": ALLOW}],
                                    "PermissionsBoundary": ref("Boundary")}),
        "Boundary": ("AWS::IAM::ManagedPolicy", {"PolicyDocument": ALLOW, "Description": "a limit"}),
        "Policy": ("AWS::IAM::Policy", {"PolicyName": "many", "PolicyDocument": ALLOW, "Roles": [ref("Role")], "Users": [ref("User")], "Groups": [ref("Group")]}),
        "Managed": ("AWS::IAM::ManagedPolicy", {"PolicyDocument": ALLOW, "Users": [ref("User")], "Groups": [ref("Group")]}),
        "Profile": ("AWS::IAM::InstanceProfile", {"Roles": [ref("Role")]}),
        "User": ("AWS::IAM::User", {"Groups": [ref("Group")], "Policies": [{"PolicyName": "own", "PolicyDocument": ALLOW}], "Tags": [{"Key": "a", "Value": "b"}]}),
        "Other": ("AWS::IAM::User", {}),
        "Group": ("AWS::IAM::Group", {"ManagedPolicyArns": [ref("Boundary")]}),
        "Key": ("AWS::IAM::AccessKey", {"UserName": ref("User")}),
        "Addition": ("AWS::IAM::UserToGroupAddition", {"GroupName": ref("Group"), "Users": [ref("Other")]}),
        "RolePolicy": ("AWS::IAM::RolePolicy", {"RoleName": ref("Role"), "PolicyName": "alone", "PolicyDocument": ALLOW}),
        "UserPolicy": ("AWS::IAM::UserPolicy", {"UserName": ref("User"), "PolicyName": "alone", "PolicyDocument": ALLOW}),
        "GroupPolicy": ("AWS::IAM::GroupPolicy", {"GroupName": ref("Group"), "PolicyName": "alone", "PolicyDocument": ALLOW}),
        "Linked": ("AWS::IAM::ServiceLinkedRole", {"AWSServiceName": "redshift.amazonaws.com"}),
        "Provider": ("AWS::IAM::OIDCProvider", {"Url": "https://ci.example.com", "ClientIdList": ["sts.amazonaws.com"], "ThumbprintList": ["a" * 40]}),
    }
    outputs = {"Role": att("Role", "Arn"), "Secret": att("Key", "SecretAccessKey"), "Profile": att("Profile", "Arn"), "Provider": att("Provider", "Arn"),
               "Policy": ref("Managed"), "User": ref("User"), "Group": ref("Group"), "Key": ref("Key"), "RoleName": ref("Role"), "ProfileName": ref("Profile")}
    out = s.create(resources, outputs)
    assert out["Role"].startswith("arn:aws:iam::123456789012:role/etl/types-iam-Role-")
    role = iam.get_role(RoleName=out["RoleName"])["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST and role["Tags"] == [{"Key": "team", "Value": "etl"}]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == s.physical()["Boundary"]
    assert sorted(iam.list_role_policies(RoleName=out["RoleName"])["PolicyNames"]) == ["alone", "many", "own"]
    assert sorted(iam.list_user_policies(UserName=out["User"])["PolicyNames"]) == ["alone", "many", "own"]
    assert sorted(iam.list_group_policies(GroupName=out["Group"])["PolicyNames"]) == ["alone", "many"]
    assert len(iam.get_group(GroupName=out["Group"])["Users"]) == 2
    assert iam.get_instance_profile(InstanceProfileName=out["ProfileName"])["InstanceProfile"]["Roles"][0]["RoleName"] == out["RoleName"]
    assert iam.list_access_keys(UserName=out["User"])["AccessKeyMetadata"][0]["AccessKeyId"] == out["Key"]
    who = boto3.client("sts", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=out["Key"], aws_secret_access_key=out["Secret"])
    assert who.get_caller_identity()["Arn"].endswith("user/" + out["User"])

    resources["Policy"][1].update(PolicyName="few", Users=[])
    resources["Managed"][1]["PolicyDocument"] = dict(ALLOW, Statement=[{"Effect": "Deny", "Action": "*", "Resource": "*"}])
    resources["User"][1].update(Groups=[], Tags=[{"Key": "a", "Value": "c"}])
    resources["Key"][1]["Status"] = "Inactive"
    resources["Provider"][1]["ClientIdList"] = ["other"]
    after = s.update(resources, outputs)
    assert after == out
    assert sorted(iam.list_user_policies(UserName=out["User"])["PolicyNames"]) == ["alone", "own"]
    assert sorted(iam.list_role_policies(RoleName=out["RoleName"])["PolicyNames"]) == ["alone", "few", "own"]
    assert iam.get_policy(PolicyArn=out["Policy"])["Policy"]["DefaultVersionId"] == "v2"
    assert len(iam.get_group(GroupName=out["Group"])["Users"]) == 1
    assert iam.list_access_keys(UserName=out["User"])["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=out["Provider"])["ClientIDList"] == ["other"]

    s.delete()
    assert gone(iam.get_role, RoleName=out["RoleName"]) == "NoSuchEntity"
    assert gone(iam.get_user, UserName=out["User"]) == "NoSuchEntity"
    assert gone(iam.get_group, GroupName=out["Group"]) == "NoSuchEntity"
    assert gone(iam.get_policy, PolicyArn=out["Policy"]) == "NoSuchEntity"
    assert gone(iam.get_instance_profile, InstanceProfileName=out["ProfileName"]) == "NoSuchEntity"
    assert gone(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=out["Provider"]) == "NoSuchEntity"


def zipped(**files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        for name, text in files.items():
            z.writestr(name.replace("__", "/") + ".py", text)
    return b.getvalue()


CODE = "import os\ndef handler(event, context):\n    return {'said': os.environ.get('SAY'), 'event': event}\n"


def test_lambda(server):
    functions, s = server.client("lambda"), Stack(server, "types-lambda")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="types-code")
    s3.put_object(Bucket="types-code", Key="f.zip", Body=zipped(app="from shared import word\ndef handler(event, context):\n    return word\n"))
    s3.put_object(Bucket="types-code", Key="layer.zip", Body=zipped(python__shared="word = 'layered'\n"))
    resources = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Queue": ("AWS::SQS::Queue", {"VisibilityTimeout": 60}),
        "Dead": ("AWS::SQS::Queue", {}),
        "Inline": ("AWS::Lambda::Function", {
            "Runtime": "python3.13", "Handler": "index.handler", "Role": att("Role", "Arn"), "Code": {"ZipFile": CODE}, "Timeout": 20,
            "Environment": {"Variables": {"SAY": "one"}}, "ReservedConcurrentExecutions": 5, "DeadLetterConfig": {"TargetArn": att("Dead", "Arn")},
            "LoggingConfig": {"LogFormat": "JSON"}, "Tags": [{"Key": "a", "Value": "b"}], "TracingConfig": {"Mode": "Active"},
            "EphemeralStorage": {"Size": 1024}, "Architectures": ["x86_64"]}),
        "Stored": ("AWS::Lambda::Function", {
            "Runtime": "python3.13", "Handler": "app.handler", "Role": att("Role", "Arn"), "Code": {"S3Bucket": "types-code", "S3Key": "f.zip"},
            "Layers": [ref("Layer")]}),
        "Layer": ("AWS::Lambda::LayerVersion", {"Content": {"S3Bucket": "types-code", "S3Key": "layer.zip"}, "CompatibleRuntimes": ["python3.13"]}),
        "LayerPermission": ("AWS::Lambda::LayerVersionPermission", {"LayerVersionArn": ref("Layer"), "Action": "lambda:GetLayerVersion", "Principal": "*"}),
        "Version": ("AWS::Lambda::Version", {"FunctionName": ref("Inline"), "Description": "first"}),
        "Alias": ("AWS::Lambda::Alias", {"FunctionName": ref("Inline"), "FunctionVersion": att("Version", "Version"), "Name": "live"}),
        "Permission": ("AWS::Lambda::Permission", {"FunctionName": ref("Alias"), "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com",
                                                   "SourceAccount": ref("AWS::AccountId")}),
        "Config": ("AWS::Lambda::EventInvokeConfig", {"FunctionName": ref("Inline"), "Qualifier": "$LATEST", "MaximumRetryAttempts": 0}),
        "Mapping": ("AWS::Lambda::EventSourceMapping", {"FunctionName": ref("Inline"), "EventSourceArn": att("Queue", "Arn"), "BatchSize": 5}),
    }
    outputs = {"Name": ref("Inline"), "Stored": ref("Stored"), "Version": att("Version", "Version"), "Alias": ref("Alias"), "Layer": ref("Layer"),
               "Mapping": ref("Mapping"), "Arn": att("Inline", "Arn")}
    out = s.create(resources, outputs)

    def invoke(name):
        return json.load(functions.invoke(FunctionName=name, Payload=json.dumps({"x": 1}))["Payload"])

    assert invoke(out["Name"]) == {"said": "one", "event": {"x": 1}}
    assert invoke(out["Stored"]) == "layered"
    assert invoke(out["Alias"])["said"] == "one"
    assert out["Version"] == "1" and out["Arn"].endswith("function:" + out["Name"])
    f = functions.get_function(FunctionName=out["Name"])
    assert f["Concurrency"]["ReservedConcurrentExecutions"] == 5 and f["Tags"]["a"] == "b" and f["Tags"]["aws:cloudformation:stack-name"] == "types-lambda"
    assert f["Configuration"]["LoggingConfig"]["LogFormat"] == "JSON" and f["Configuration"]["Timeout"] == 20
    policy = json.loads(functions.get_policy(FunctionName=out["Name"], Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    assert functions.get_event_source_mapping(UUID=out["Mapping"])["State"] == "Enabled"

    inline = resources["Inline"][1]
    inline["Code"] = {"ZipFile": CODE.replace("'said'", "'spoke'")}
    inline["Environment"]["Variables"]["SAY"] = "two"
    for name in ("ReservedConcurrentExecutions", "Timeout", "LoggingConfig", "DeadLetterConfig"):
        del inline[name]
    resources["Version2"] = ("AWS::Lambda::Version", {"FunctionName": ref("Inline"), "Description": "second"})
    resources["Alias"][1]["FunctionVersion"] = att("Version2", "Version")
    resources["Alias"][1]["RoutingConfig"] = {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.0}]}
    resources["Mapping"][1].update(BatchSize=7, Enabled=False)
    after = s.update(resources, outputs)
    assert after == out
    assert invoke(out["Name"])["spoke"] == "two" and invoke(out["Alias"])["spoke"] == "two"
    f = functions.get_function(FunctionName=out["Name"])
    assert "Concurrency" not in f and f["Configuration"]["Timeout"] == 3 and "DeadLetterConfig" not in f["Configuration"]
    assert f["Configuration"]["LoggingConfig"]["LogFormat"] == "Text"
    mapping = functions.get_event_source_mapping(UUID=out["Mapping"])
    assert (mapping["State"], mapping["BatchSize"]) == ("Disabled", 7)

    s.delete()
    assert gone(functions.get_function, FunctionName=out["Name"]) == "ResourceNotFoundException"
    assert gone(functions.get_function, FunctionName=out["Stored"]) == "ResourceNotFoundException"
    assert gone(functions.get_layer_version_by_arn, Arn=out["Layer"]) == "ResourceNotFoundException"
    assert gone(functions.get_event_source_mapping, UUID=out["Mapping"]) == "ResourceNotFoundException"


def test_a_custom_resource_answers_with_cfnresponse(server):
    s = Stack(server, "types-custom")
    code = ("import cfnresponse\ndef handler(event, context):\n"
            "    cfnresponse.send(event, context, cfnresponse.SUCCESS, {'Sum': sum(map(int, event['ResourceProperties'].get('Terms', [])))}, 'sum')\n")
    resources = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Adder": ("AWS::Lambda::Function", {"Runtime": "python3.13", "Handler": "index.handler", "Role": att("Role", "Arn"), "Code": {"ZipFile": code}, "Timeout": 20}),
        "Sum": ("Custom::Sum", {"ServiceToken": att("Adder", "Arn"), "Terms": [1, 2]}),
    }
    assert s.create(resources, {"Sum": att("Sum", "Sum")}) == {"Sum": "3"}
    resources["Sum"][1]["Terms"] = [3, 4]
    assert s.update(resources, {"Sum": att("Sum", "Sum")}) == {"Sum": "7"}
    s.delete()


def test_log_filters(server):
    logs, metrics, s = server.client("logs"), server.client("cloudwatch"), Stack(server, "types-filters")
    code = ("import base64, gzip, json, os, boto3\ndef handler(event, context):\n"
            "    d = json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))\n"
            "    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody=json.dumps(d))\n")
    resources = {
        "Group": ("AWS::Logs::LogGroup", {}),
        "Queue": ("AWS::SQS::Queue", {}),
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Reader": ("AWS::Lambda::Function", {"Runtime": "python3.13", "Handler": "index.handler", "Role": att("Role", "Arn"), "Code": {"ZipFile": code}, "Timeout": 20,
                                             "Environment": {"Variables": {"QUEUE": ref("Queue")}}}),
        "Permission": ("AWS::Lambda::Permission", {"FunctionName": ref("Reader"), "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}),
        "Errors": ("AWS::Logs::MetricFilter", {"LogGroupName": ref("Group"), "FilterPattern": "{ $.level = \"ERROR\" }", "MetricTransformations": [
            {"MetricNamespace": "types", "MetricName": "errors", "MetricValue": "$.count", "Dimensions": [{"Key": "step", "Value": "$.step"}]}]}),
        "Subscription": ("AWS::Logs::SubscriptionFilter", {"LogGroupName": ref("Group"), "FilterPattern": "ERROR", "DestinationArn": att("Reader", "Arn")}),
        "Policy": ("AWS::Logs::ResourcePolicy", {"PolicyName": "types-policy", "PolicyDocument": json.dumps(statement("es.amazonaws.com", "logs:PutLogEvents", "*"))}),
    }
    out = s.create(resources, {"Group": ref("Group"), "Queue": ref("Queue"), "Filter": ref("Subscription")})
    logs.create_log_stream(logGroupName=out["Group"], logStreamName="s")
    now = int(time.time() * 1000)
    events = ['{"level": "INFO"}', '{"level": "ERROR", "count": 3, "step": "load"}']
    logs.put_log_events(logGroupName=out["Group"], logStreamName="s", logEvents=[{"timestamp": now + i, "message": m} for i, m in enumerate(events)])
    sqs = server.client("sqs")
    message = wait_for("delivery", lambda: sqs.receive_message(QueueUrl=out["Queue"], WaitTimeSeconds=2).get("Messages"))[0]
    d = json.loads(message["Body"])
    assert (d["logGroup"], d["logStream"], d["subscriptionFilters"]) == (out["Group"], "s", [out["Filter"]])
    found = logs.filter_log_events(logGroupName=out["Group"], filterPattern="ERROR")["events"]
    assert d["logEvents"] == [{"id": found[0]["eventId"], "timestamp": now + 1, "message": events[1]}]
    listed = metrics.list_metrics(Namespace="types")["Metrics"]
    assert listed == [{"Namespace": "types", "MetricName": "errors", "Dimensions": [{"Name": "step", "Value": "load"}]}]
    resources["Subscription"][1]["FilterPattern"] = "FATAL"
    s.update(resources)
    assert logs.describe_subscription_filters(logGroupName=out["Group"])["subscriptionFilters"][0]["filterPattern"] == "FATAL"
    s.delete()
    assert "types-policy" not in [p["policyName"] for p in logs.describe_resource_policies()["resourcePolicies"]]


def test_states(server):
    states, s = server.client("stepfunctions", config=Config(inject_host_prefix=False)), Stack(server, "types-states")
    server.client("s3").create_bucket(Bucket="types-definitions")
    stored = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    Result: ${What}\n    End: true\n"
    server.client("s3").put_object(Bucket="types-definitions", Key="m.yaml", Body=stored)
    passing = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${What}", "End": True}}}
    resources = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Logs": ("AWS::Logs::LogGroup", {"RetentionInDays": 7}),
        "Object": ("AWS::StepFunctions::StateMachine", {
            "RoleArn": att("Role", "Arn"), "Definition": passing, "DefinitionSubstitutions": {"What": "object"}, "StateMachineType": "EXPRESS",
            "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": True,
                                     "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("Logs", "Arn")}}]}}),
        "Text": ("AWS::StepFunctions::StateMachine", {"RoleArn": att("Role", "Arn"), "DefinitionString": json.dumps(passing), "DefinitionSubstitutions": {"What": "text"},
                                                      "Tags": [{"Key": "a", "Value": "b"}]}),
        "Stored": ("AWS::StepFunctions::StateMachine", {"RoleArn": att("Role", "Arn"), "DefinitionS3Location": {"Bucket": "types-definitions", "Key": "m.yaml"},
                                                        "DefinitionSubstitutions": {"What": "stored"}}),
        "Version": ("AWS::StepFunctions::StateMachineVersion", {"StateMachineArn": ref("Text")}),
        "Alias": ("AWS::StepFunctions::StateMachineAlias", {"Name": "live", "RoutingConfiguration": [{"StateMachineVersionArn": ref("Version"), "Weight": 100}]}),
        "Activity": ("AWS::StepFunctions::Activity", {"Name": "types-activity"}),
    }
    outputs = {k: ref(k) for k in ("Object", "Text", "Stored", "Version", "Alias", "Activity")}
    outputs["Name"] = att("Text", "Name")
    out = s.create(resources, outputs)
    assert out["Text"].endswith(out["Name"])

    def output(arn):
        e = states.start_execution(stateMachineArn=arn)["executionArn"]
        done = wait_for("end", lambda: (d := states.describe_execution(executionArn=e))["status"] != "RUNNING" and d)
        return json.loads(done["output"])

    assert json.loads(states.start_sync_execution(stateMachineArn=out["Object"])["output"]) == "object"
    assert output(out["Text"]) == "text" and output(out["Stored"]) == "stored" and output(out["Alias"]) == "text"
    tags = {t["key"]: t["value"] for t in states.list_tags_for_resource(resourceArn=out["Text"])["tags"]}
    assert tags["a"] == "b" and tags["team"] == "etl" and tags["aws:cloudformation:logical-id"] == "Text"

    resources["Text"][1]["DefinitionSubstitutions"] = {"What": "changed"}
    resources["Object"][1]["LoggingConfiguration"] = {"Level": "OFF"}
    resources["Stored"][1]["StateMachineName"] = "types-stored"
    after = s.update(resources, outputs)
    assert output(out["Text"]) == "changed" and output(out["Alias"]) == "text"
    assert after["Stored"].endswith("types-stored") and gone(states.describe_state_machine, stateMachineArn=out["Stored"]) == "StateMachineDoesNotExist"
    assert states.describe_state_machine(stateMachineArn=out["Object"])["loggingConfiguration"]["level"] == "OFF"

    s.delete()
    for name in ("Object", "Text"):
        assert gone(states.describe_state_machine, stateMachineArn=after[name]) == "StateMachineDoesNotExist"
    assert gone(states.describe_activity, activityArn=out["Activity"]) == "ActivityDoesNotExist"


def statement(service, action, arn):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": arn}]}


def test_storage_and_messages(server):
    s3, sns, sqs, s = server.client("s3"), server.client("sns"), server.client("sqs"), Stack(server, "types-storage")
    resources = {
        "Bucket": ("AWS::S3::Bucket", {
            "VersioningConfiguration": {"Status": "Enabled"}, "Tags": [{"Key": "a", "Value": "b"}],
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True},
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 30}]},
            "NotificationConfiguration": {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": att("Queue", "Arn")}]}}),
        "BucketPolicy": ("AWS::S3::BucketPolicy", {"Bucket": ref("Bucket"), "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}]}}),
        "Queue": ("AWS::SQS::Queue", {"RedrivePolicy": {"deadLetterTargetArn": att("Dead", "Arn"), "maxReceiveCount": 3}, "VisibilityTimeout": 5}),
        "Dead": ("AWS::SQS::Queue", {"MessageRetentionPeriod": 1209600}),
        "Fifo": ("AWS::SQS::Queue", {"FifoQueue": True}),
        "QueuePolicy": ("AWS::SQS::QueuePolicy", {"Queues": [ref("Queue")], "PolicyDocument": statement("s3.amazonaws.com", "sqs:SendMessage", att("Queue", "Arn"))}),
        "DeadPolicy": ("AWS::SQS::QueueInlinePolicy", {"Queue": ref("Dead"), "PolicyDocument": statement("sns.amazonaws.com", "sqs:SendMessage", att("Dead", "Arn"))}),
        "Topic": ("AWS::SNS::Topic", {"DisplayName": "types", "Subscription": [{"Protocol": "sqs", "Endpoint": att("Dead", "Arn")}]}),
        "Other": ("AWS::SNS::Topic", {}),
        "Subscription": ("AWS::SNS::Subscription", {"TopicArn": ref("Topic"), "Protocol": "sqs", "Endpoint": att("Queue", "Arn"), "RawMessageDelivery": True}),
        "TopicPolicy": ("AWS::SNS::TopicPolicy", {"Topics": [ref("Topic")], "PolicyDocument": statement("events.amazonaws.com", "sns:Publish", ref("Topic"))}),
        "OtherPolicy": ("AWS::SNS::TopicInlinePolicy", {"TopicArn": ref("Other"), "PolicyDocument": statement("events.amazonaws.com", "sns:Publish", ref("Other"))}),
    }
    outputs = {"Bucket": ref("Bucket"), "Domain": att("Bucket", "RegionalDomainName"), "Queue": ref("Queue"), "QueueName": att("Queue", "QueueName"),
               "Dead": ref("Dead"), "Topic": ref("Topic"), "TopicName": att("Topic", "TopicName"), "Fifo": ref("Fifo"), "Subscription": ref("Subscription")}
    out = s.create(resources, outputs)
    assert out["Domain"] == out["Bucket"] + ".s3.us-east-1.amazonaws.com" and out["Bucket"].startswith("types-storage-bucket-")
    assert {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=out["Bucket"])["TagSet"]}["aws:cloudformation:stack-name"] == "types-storage"
    assert s3.get_public_access_block(Bucket=out["Bucket"])["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"]
    assert out["Fifo"].endswith(".fifo") and out["Topic"].endswith(":" + out["TopicName"])

    def receive(url):
        return wait_for("message", lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages"))[0]

    def drain(url):
        m = receive(url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return m["Body"]

    assert "s3:TestEvent" in drain(out["Queue"])
    s3.put_object(Bucket=out["Bucket"], Key="k", Body=b"1")
    assert json.loads(drain(out["Queue"]))["Records"][0]["s3"]["object"]["key"] == "k"
    sns.publish(TopicArn=out["Topic"], Message="hello")
    assert drain(out["Queue"]) == "hello" and json.loads(drain(out["Dead"]))["Message"] == "hello"

    del resources["Bucket"][1]["NotificationConfiguration"], resources["Bucket"][1]["LifecycleConfiguration"]
    resources["Queue"][1]["VisibilityTimeout"] = 6
    resources["Topic"][1].update(DisplayName="changed", Subscription=[])
    resources["Subscription"][1].update(RawMessageDelivery=False, FilterPolicy={"kind": ["a"]})
    assert s.update(resources, outputs) == out
    assert gone(s3.get_bucket_lifecycle_configuration, Bucket=out["Bucket"]) == "NoSuchLifecycleConfiguration"
    assert [x["SubscriptionArn"] for x in sns.list_subscriptions_by_topic(TopicArn=out["Topic"])["Subscriptions"]] == [out["Subscription"]]
    attributes = sns.get_subscription_attributes(SubscriptionArn=out["Subscription"])["Attributes"]
    assert attributes["RawMessageDelivery"] == "false" and json.loads(attributes["FilterPolicy"]) == {"kind": ["a"]}

    for v in s3.list_object_versions(Bucket=out["Bucket"])["Versions"]:
        s3.delete_object(Bucket=out["Bucket"], Key=v["Key"], VersionId=v["VersionId"])
    s.delete()
    assert gone(s3.head_bucket, Bucket=out["Bucket"]) == "404"
    assert gone(sns.get_topic_attributes, TopicArn=out["Topic"]) == "NotFound"
    assert "NonExistentQueue" in gone(sqs.get_queue_attributes, QueueUrl=out["Queue"])


def test_a_bucket_that_holds_something_is_not_deleted(server):
    s3, s = server.client("s3"), Stack(server, "types-full")
    bucket = s.create({"Bucket": ("AWS::S3::Bucket", {})}, {"Bucket": ref("Bucket")})["Bucket"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s.client.delete_stack(StackName=s.name)
    s._done("DELETE_FAILED")
    s3.delete_object(Bucket=bucket, Key="k")
    s.delete()


def test_events(server):
    events, logs, plans, s = server.client("events"), server.client("logs"), server.client("scheduler"), Stack(server, "types-events")
    target = {"Arn": att("Queue", "Arn"), "RoleArn": "arn:aws:iam::123456789012:role/r"}
    resources = {
        "Queue": ("AWS::SQS::Queue", {}),
        "Group": ("AWS::Logs::LogGroup", {"RetentionInDays": 3, "Tags": [{"Key": "a", "Value": "b"}]}),
        "Stream": ("AWS::Logs::LogStream", {"LogGroupName": ref("Group")}),
        "Bus": ("AWS::Events::EventBus", {"Name": "types-bus"}),
        "BusPolicy": ("AWS::Events::EventBusPolicy", {"EventBusName": ref("Bus"), "StatementId": "partner", "Action": "events:PutEvents", "Principal": "111122223333"}),
        "Rule": ("AWS::Events::Rule", {"EventBusName": ref("Bus"), "EventPattern": {"source": ["types"]}, "Targets": [
            {"Id": "q", "Arn": att("Queue", "Arn"), "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": "\"number <n>\""}}]}),
        "Nightly": ("AWS::Events::Rule", {"ScheduleExpression": "cron(0 3 * * ? *)", "State": "DISABLED"}),
        "Archive": ("AWS::Events::Archive", {"SourceArn": att("Bus", "Arn"), "RetentionDays": 1}),
        "Connection": ("AWS::Events::Connection", {"AuthorizationType": "API_KEY", "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}}),
        "Destination": ("AWS::Events::ApiDestination", {"ConnectionArn": att("Connection", "Arn"), "HttpMethod": "POST", "InvocationEndpoint": "https://example.com/x"}),
        "Plans": ("AWS::Scheduler::ScheduleGroup", {}),
        "Plan": ("AWS::Scheduler::Schedule", {"GroupName": ref("Plans"), "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "DISABLED",
                                                 "Target": target}),
    }
    outputs = {k: ref(k) for k in ("Queue", "Group", "Bus", "Rule", "Nightly", "Archive", "Connection", "Destination", "Plans", "Plan")}
    outputs["Rule"], outputs["Secret"] = att("Rule", "Arn"), att("Connection", "SecretArn")
    out = s.create(resources, outputs)
    assert s.physical()["Rule"].startswith("types-bus|types-events-Rule-")
    assert out["Rule"].startswith("arn:aws:events:us-east-1:123456789012:rule/types-bus/")
    events.put_events(Entries=[{"EventBusName": "types-bus", "Source": "types", "DetailType": "t", "Detail": '{"n": 7}'}])
    sqs = server.client("sqs")
    message = wait_for("event", lambda: sqs.receive_message(QueueUrl=out["Queue"], WaitTimeSeconds=2).get("Messages"))[0]
    assert message["Body"] == '"number 7"'
    assert plans.get_schedule(Name=out["Plan"], GroupName=out["Plans"])["ScheduleExpression"] == "rate(1 day)"
    assert logs.describe_log_groups(logGroupNamePrefix=out["Group"])["logGroups"][0]["retentionInDays"] == 3

    resources["Rule"][1]["Targets"] = [{"Id": "other", "Arn": att("Queue", "Arn")}]
    resources["Plan"][1]["ScheduleExpression"] = "rate(2 days)"
    resources["Nightly"][1]["Description"] = "at night"
    del resources["Group"][1]["RetentionInDays"]
    assert s.update(resources, outputs) == out
    rule = out["Rule"].rsplit("/", 1)[1]
    assert [t["Id"] for t in events.list_targets_by_rule(Rule=rule, EventBusName="types-bus")["Targets"]] == ["other"]
    assert plans.get_schedule(Name=out["Plan"], GroupName=out["Plans"])["ScheduleExpression"] == "rate(2 days)"
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=out["Group"])["logGroups"][0]

    s.delete()
    assert gone(events.describe_event_bus, Name="types-bus") == "ResourceNotFoundException"
    assert gone(events.describe_rule, Name=out["Nightly"]) == "ResourceNotFoundException"
    assert gone(events.describe_connection, Name=out["Connection"]) == "ResourceNotFoundException"
    assert gone(events.describe_archive, ArchiveName=out["Archive"]) == "ResourceNotFoundException"
    assert gone(plans.get_schedule_group, Name=out["Plans"]) == "ResourceNotFoundException"
    assert logs.describe_log_groups(logGroupNamePrefix=out["Group"])["logGroups"] == []


def test_what_others_made_is_neither_taken_nor_deleted(server):
    s3, sqs, sns, iam, logs = (server.client(x) for x in ("s3", "sqs", "sns", "iam", "logs"))
    events, functions, states = server.client("events"), server.client("lambda"), server.client("stepfunctions")
    passing = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    role = iam.create_role(RoleName="others-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    s3.create_bucket(Bucket="others-bucket")
    queue = sqs.create_queue(QueueName="others-queue")["QueueUrl"]
    topic = sns.create_topic(Name="others-topic")["TopicArn"]
    logs.create_log_group(logGroupName="others-group")
    events.put_rule(Name="others-rule", EventPattern='{"source": ["x"]}')
    machine = states.create_state_machine(name="others-machine", definition=passing, roleArn=role)["stateMachineArn"]
    functions.create_function(FunctionName="others-function", Runtime="python3.13", Handler="app.handler", Role=role, Code={"ZipFile": zipped(app=CODE)})
    wait_for("function", lambda: functions.get_function_configuration(FunctionName="others-function")["State"] == "Active")
    cases = {
        "Role": ("AWS::IAM::Role", {"RoleName": "others-role", "AssumeRolePolicyDocument": TRUST}),
        "Bucket": ("AWS::S3::Bucket", {"BucketName": "others-bucket"}),
        "Queue": ("AWS::SQS::Queue", {"QueueName": "others-queue"}),
        "Topic": ("AWS::SNS::Topic", {"TopicName": "others-topic"}),
        "Group": ("AWS::Logs::LogGroup", {"LogGroupName": "others-group"}),
        "Rule": ("AWS::Events::Rule", {"Name": "others-rule", "EventPattern": {"source": ["y"]}}),
        "Machine": ("AWS::StepFunctions::StateMachine", {"StateMachineName": "others-machine", "DefinitionString": passing, "RoleArn": role}),
        "Function": ("AWS::Lambda::Function", {"FunctionName": "others-function", "Runtime": "python3.13", "Handler": "index.handler", "Role": role, "Code": {"ZipFile": CODE}}),
    }
    for name, (typ, properties) in cases.items():
        s = Stack(server, f"types-others-{name}")
        s.id = s.client.create_stack(StackName=s.name, TemplateBody=s._body({"First": ("AWS::SNS::Topic", {}), name: (typ, properties)}, None),
                                     Capabilities=["CAPABILITY_NAMED_IAM"])["StackId"]
        s._done("ROLLBACK_COMPLETE")
        reasons = [e.get("ResourceStatusReason", "") for e in s.client.describe_stack_events(StackName=s.id)["StackEvents"]
                   if e["LogicalResourceId"] == name and e["ResourceStatus"] == "CREATE_FAILED"]
        assert len(reasons) == 1 and "exist" in reasons[0], (name, reasons)
        s.delete()
    iam.get_role(RoleName="others-role")
    s3.head_bucket(Bucket="others-bucket")
    sqs.get_queue_attributes(QueueUrl=queue)
    sns.get_topic_attributes(TopicArn=topic)
    assert events.describe_rule(Name="others-rule")["EventPattern"] == '{"source": ["x"]}'
    states.describe_state_machine(stateMachineArn=machine)
    functions.get_function(FunctionName="others-function")
    assert len(logs.describe_log_groups(logGroupNamePrefix="others-group")["logGroups"]) == 1
    assert not [t for t in sns.list_topics()["Topics"] if "types-others-" in t["TopicArn"]]


def test_what_cannot_be_honoured_fails_by_name(server):
    for typ, properties, said in [
        ("AWS::S3::Bucket", {"ReplicationConfiguration": {"Role": "r", "Rules": []}}, "AWS::S3::Bucket property ReplicationConfiguration"),
        ("AWS::SNS::Topic", {"FifoTopic": True, "ArchivePolicy": {}}, "AWS::SNS::Topic property ArchivePolicy"),
        ("AWS::Logs::SubscriptionFilter", {"LogGroupName": "g", "FilterPattern": "", "DestinationArn": "d", "EmitSystemFields": ["@aws.account"]},
         "AWS::Logs::SubscriptionFilter property EmitSystemFields"),
        ("AWS::SQS::Queue", {"VisibilityTimout": 5}, "VisibilityTimout"),
        ("AWS::SQS::Queue", {"VisibilityTimeout": "long"}, "VisibilityTimeout"),
    ]:
        s = Stack(server, "types-refused")
        s.id = s.client.create_stack(StackName=s.name, TemplateBody=s._body({"Thing": (typ, properties)}, None))["StackId"]
        s._done("ROLLBACK_COMPLETE")
        reasons = [e.get("ResourceStatusReason", "") for e in s.client.describe_stack_events(StackName=s.id)["StackEvents"]]
        assert any(said in r for r in reasons), reasons
        s.delete()
