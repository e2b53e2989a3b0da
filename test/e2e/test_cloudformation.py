"""CloudFormation through the AWS CLI and boto3: stacks, rollbacks, change sets, nested stacks, custom resources."""
import json
import pathlib
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError, WaiterError
from conftest import Server, wait_for

PAIR = """
AWSTemplateFormatVersion: '2010-09-09'
Description: a topic and its queue
Parameters:
  Visibility: {Type: Number, Default: 30}
  Secret: {Type: String, NoEcho: true, Default: hidden}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Secret}}
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: !Ref Visibility}}
  Subscription: {Type: AWS::SNS::Subscription, Properties: {Protocol: sqs, TopicArn: !Ref Topic, Endpoint: !GetAtt Queue.Arn}}
Outputs:
  QueueUrl: {Value: !Ref Queue}
  TopicArn: {Value: !Ref Topic, Export: {Name: !Sub '${AWS::StackName}-topic'}}
"""

CUSTOM = """
Parameters: {Do: {Type: String, Default: work}, Value: {Type: String, Default: one}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}}
  Provider:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          import cfnresponse
          def handler(event, context):
              p = event["ResourceProperties"]
              if p["Do"] == "fail" and event["RequestType"] != "Delete":
                  cfnresponse.send(event, context, cfnresponse.FAILED, {}, "physical", reason="told to fail")
                  return
              cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Upper": p["Value"].upper(), "Type": event["RequestType"]}, "physical-" + p["Value"])
  Thing: {Type: 'Custom::Thing', Properties: {ServiceToken: !GetAtt Provider.Arn, Do: !Ref Do, Value: !Ref Value}}
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Thing.Upper}}
Outputs:
  Type: {Value: !GetAtt Thing.Type}
  Thing: {Value: !Ref Thing}
"""


@pytest.fixture(scope="module")
def cfn(server):
    return server.client("cloudformation")


def settled(cfn, name):
    def look():
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    return wait_for(f"end of {name}", look)


def events(cfn, name):
    pages = cfn.get_paginator("describe_stack_events").paginate(StackName=name)
    found = [e for page in pages for e in page["StackEvents"]]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in reversed(found)]


def outputs(stack):
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def aws(server, *args, check=True):
    done = subprocess.run([str(pathlib.Path(sys.executable).parent / "aws"), *args], env=server.environment | {"AWS_PAGER": ""}, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_deploy_with_the_cli(server, cfn, tmp_path):
    template = tmp_path / "pair.yaml"
    template.write_text(PAIR)
    deploy = ["cloudformation", "deploy", "--template-file", str(template), "--stack-name", "pair"]
    assert "Successfully created/updated stack - pair" in aws(server, *deploy, "--tags", "team=etl")
    assert "No changes to deploy" in aws(server, *deploy, "--tags", "team=etl", "--no-fail-on-empty-changeset")
    stack = settled(cfn, "pair")
    assert stack["StackStatus"] == "CREATE_COMPLETE" and stack["Description"] == "a topic and its queue"
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]} == {"Visibility": "30", "Secret": "****"}
    url = outputs(stack)["QueueUrl"]
    sqs = server.client("sqs")
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "30"}
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"]["team"] == "etl"
    server.client("sns").publish(TopicArn=outputs(stack)["TopicArn"], Message="through the stack")
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]
    assert json.loads(got["Body"])["Message"] == "through the stack"

    for failed in cfn.list_change_sets(StackName="pair")["Summaries"]:  # the CLI names them by the second
        cfn.delete_change_set(ChangeSetName=failed["ChangeSetId"])
    assert "Successfully created/updated" in aws(server, *deploy, "--parameter-overrides", "Visibility=45")
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "45"}
    assert [e[1] for e in events(cfn, "pair") if e[0] == "Queue"][-2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert "hidden" not in str(cfn.describe_stack_events(StackName="pair"))
    aws(server, "cloudformation", "delete-stack", "--stack-name", "pair")
    aws(server, "cloudformation", "wait", "stack-delete-complete", "--stack-name", "pair")
    assert "pair" not in str(sqs.list_queues()) and "pair" not in str(server.client("sns").list_topics())
    with pytest.raises(ClientError, match=r"Stack with id pair does not exist"):
        cfn.describe_stacks(StackName="pair")
    assert cfn.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_what_templates_say(cfn):
    said = cfn.validate_template(TemplateBody=CUSTOM)
    assert said["Capabilities"] == ["CAPABILITY_IAM"] and "AWS::IAM::Role" in said["CapabilitiesReason"]
    summary = cfn.get_template_summary(TemplateBody=PAIR)
    assert summary["ResourceTypes"] == ["AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SNS::Subscription"]
    for template, message in [
        ("Resources: {A: {Type: 'AWS::Nothing::Here'}}", r"Template format error: Unrecognized resource types: \[AWS::Nothing::Here\]"),
        ("Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref B}}}", r"Unresolved resource dependencies \[B\] in the Resources block"),
        ("Resources: [", r"Template format error: YAML not well-formed"),
    ]:
        with pytest.raises(ClientError, match=message):
            cfn.validate_template(TemplateBody=template)
    with pytest.raises(ClientError) as e:
        cfn.create_stack(StackName="custom", TemplateBody=CUSTOM)
    assert e.value.response["Error"] == {"Type": "Sender", "Code": "InsufficientCapabilitiesException", "Message": "Requires capabilities : [CAPABILITY_IAM]"}


def test_rollback(server, cfn):
    broken = PAIR.replace("Outputs:", "  Bad: {Type: AWS::SNS::Subscription, DependsOn: Subscription, Properties: {Protocol: nothing, TopicArn: !Ref Topic, Endpoint: x}}\nOutputs:")
    cfn.create_stack(StackName="broken", TemplateBody=broken)
    with pytest.raises(WaiterError):
        cfn.get_waiter("stack_create_complete").wait(StackName="broken", WaiterConfig={"Delay": 1})
    assert settled(cfn, "broken")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("broken", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Bad]. Rollback requested by user.") in events(cfn, "broken")
    assert "broken" not in str(server.client("sqs").list_queues())
    cfn.delete_stack(StackName="broken")

    cfn.create_stack(StackName="whole", TemplateBody=PAIR)
    before = settled(cfn, "whole")
    cfn.update_stack(StackName="whole", TemplateBody=broken.replace("VisibilityTimeout: !Ref Visibility", "VisibilityTimeout: 99"))
    after = settled(cfn, "whole")
    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and outputs(after) == outputs(before)
    assert server.client("sqs").get_queue_attributes(QueueUrl=outputs(before)["QueueUrl"], AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "30"}
    cfn.delete_stack(StackName="whole")


def test_change_sets(server, cfn):
    cfn.create_change_set(StackName="reviewed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=PAIR)
    cfn.get_waiter("change_set_create_complete").wait(StackName="reviewed", ChangeSetName="first", WaiterConfig={"Delay": 1})
    assert cfn.describe_stacks(StackName="reviewed")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    changes = cfn.describe_change_set(StackName="reviewed", ChangeSetName="first")["Changes"]
    assert sorted((c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"]) for c in changes) == [("Add", "Queue"), ("Add", "Subscription"), ("Add", "Topic")]
    cfn.execute_change_set(StackName="reviewed", ChangeSetName="first")
    assert settled(cfn, "reviewed")["StackStatus"] == "CREATE_COMPLETE"
    cfn.create_change_set(StackName="reviewed", ChangeSetName="none", TemplateBody=PAIR)
    none = cfn.describe_change_set(StackName="reviewed", ChangeSetName="none")
    assert (none["Status"], none["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE") and none["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="cannot be executed in its current status of"):
        cfn.execute_change_set(StackName="reviewed", ChangeSetName="none")
    replaced = PAIR.replace("VisibilityTimeout: !Ref Visibility", "QueueName: named, VisibilityTimeout: !Ref Visibility")
    cfn.create_change_set(StackName="reviewed", ChangeSetName="second", TemplateBody=replaced, Parameters=[{"ParameterKey": "Secret", "UsePreviousValue": True}])
    found = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in cfn.describe_change_set(StackName="reviewed", ChangeSetName="second")["Changes"]}
    assert found["Queue"]["Replacement"] == "True" and found["Subscription"]["Action"] == "Modify" and "Topic" not in found
    cfn.execute_change_set(StackName="reviewed", ChangeSetName="second")
    assert settled(cfn, "reviewed")["StackStatus"] == "UPDATE_COMPLETE"
    urls = [u for u in server.client("sqs").list_queues()["QueueUrls"] if "named" in u or "reviewed" in u]
    assert len(urls) == 1 and urls[0].endswith("/named")
    cfn.delete_stack(StackName="reviewed")


def test_custom_resources(cfn):
    cfn.create_stack(StackName="custom", TemplateBody=CUSTOM, Capabilities=["CAPABILITY_IAM"])
    stack = settled(cfn, "custom")
    assert (stack["StackStatus"], outputs(stack)) == ("CREATE_COMPLETE", {"Type": "Create", "Thing": "physical-one"}), events(cfn, "custom")
    cfn.update_stack(StackName="custom", UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"], Parameters=[{"ParameterKey": "Value", "ParameterValue": "two"}])
    stack = settled(cfn, "custom")
    assert outputs(stack) == {"Type": "Update", "Thing": "physical-two"}
    assert [e[1] for e in events(cfn, "custom") if e[0] == "Thing"][-4:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    cfn.update_stack(StackName="custom", UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"],
                     Parameters=[{"ParameterKey": "Value", "UsePreviousValue": True}, {"ParameterKey": "Do", "ParameterValue": "fail"}])
    assert settled(cfn, "custom")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any(e[0] == "Thing" and e[1] == "UPDATE_FAILED" and "Message returned: told to fail" in e[2] for e in events(cfn, "custom"))
    cfn.delete_stack(StackName="custom")
    cfn.get_waiter("stack_delete_complete").wait(StackName="custom", WaiterConfig={"Delay": 1})


def test_nested_stacks_and_exports(server, cfn):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="pair.yaml", Body=PAIR)
    parent = """
Resources:
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://templates.s3.us-east-1.amazonaws.com/pair.yaml', Parameters: {Visibility: 12}}}
Outputs: {Url: {Value: !GetAtt Child.Outputs.QueueUrl}}
"""
    cfn.create_stack(StackName="parent", TemplateBody=parent)
    stack = settled(cfn, "parent")
    assert stack["StackStatus"] == "CREATE_COMPLETE", events(cfn, "parent")
    child = cfn.describe_stack_resource(StackName="parent", LogicalResourceId="Child")["StackResourceDetail"]["PhysicalResourceId"]
    nested = cfn.describe_stacks(StackName=child)["Stacks"][0]
    assert nested["ParentId"] == nested["RootId"] == stack["StackId"] and outputs(nested)["QueueUrl"] == outputs(stack)["Url"]

    name = nested["StackName"] + "-topic"
    assert [x["Value"] for x in cfn.list_exports()["Exports"] if x["Name"] == name] == [outputs(nested)["TopicArn"]]
    importer = "Resources: {Q: {Type: AWS::SQS::Queue}, S: {Type: AWS::SNS::Subscription, Properties: {Protocol: sqs, TopicArn: !ImportValue %s, Endpoint: !GetAtt Q.Arn}}}" % name
    cfn.create_stack(StackName="importer", TemplateBody=importer)
    assert settled(cfn, "importer")["StackStatus"] == "CREATE_COMPLETE"
    assert cfn.list_imports(ExportName=name)["Imports"] == ["importer"]
    with pytest.raises(ClientError, match=f"Export {name} cannot be deleted as it is in use by importer"):
        cfn.delete_stack(StackName=child)
    for name in ("importer", "parent"):
        cfn.delete_stack(StackName=name)
        cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert cfn.describe_stacks(StackName=child)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_events_and_notifications(server, cfn):
    sqs, sns, rules = server.client("sqs"), server.client("sns"), server.client("events")
    queue = sqs.create_queue(QueueName="stack-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rules.put_rule(Name="stacks", EventPattern=json.dumps({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]}))
    rules.put_targets(Rule="stacks", Targets=[{"Id": "q", "Arn": arn}])
    topic = sns.create_topic(Name="stack-notices")["TopicArn"]
    notices = sqs.create_queue(QueueName="stack-notices")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn.replace("stack-events", "stack-notices"), Attributes={"RawMessageDelivery": "true"})
    cfn.create_stack(StackName="told", TemplateBody="Resources: {T: {Type: AWS::SNS::Topic}}", NotificationARNs=[topic], ClientRequestToken="my-token")
    settled(cfn, "told")

    def read(url):
        found = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            found += [m["Body"] for m in batch]
        return found

    told = [json.loads(b) for b in read(queue)]
    assert sorted(e["detail"]["status-details"]["status"] for e in told) == ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"]
    assert all(e["detail"]["client-request-token"] == "my-token" and e["resources"] == [e["detail"]["stack-id"]] for e in told)
    texts = read(notices)
    assert len(texts) == 5 and any("ResourceType='AWS::SNS::Topic'\n" in t and "ResourceStatus='CREATE_COMPLETE'\n" in t for t in texts)
    cfn.delete_stack(StackName="told")
    rules.remove_targets(Rule="stacks", Ids=["q"])
    rules.delete_rule(Name="stacks")


def test_without_waiting(tmp_path):
    """With --time-scale 0 a wait condition that nobody signals fails at once; custom resources still get their answer."""
    server = Server(tmp_path, "--time-scale", "0")
    try:
        cfn = server.client("cloudformation")
        cfn.create_stack(StackName="custom", TemplateBody=CUSTOM, Capabilities=["CAPABILITY_IAM"])
        stack = settled(cfn, "custom")
        assert stack["StackStatus"] == "CREATE_COMPLETE", events(cfn, "custom")
        cfn.create_stack(StackName="waits", TemplateBody="""
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 3600}}
""")
        assert settled(cfn, "waits")["StackStatus"] == "ROLLBACK_COMPLETE"
        assert ("Wait", "CREATE_FAILED", "WaitCondition timed out. Received 0 conditions when expecting 1") in events(cfn, "waits")
    finally:
        server.stop()
