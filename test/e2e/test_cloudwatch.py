"""CloudWatch through boto3 and the protocols that SDKs speak with it."""
import datetime
import io
import json
import urllib.request
import zipfile

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import wait_for


def test_metrics(server):
    cloudwatch = server.client("cloudwatch")
    now = datetime.datetime.now(datetime.timezone.utc)
    data = [{"MetricName": "Latency", "Dimensions": [{"Name": "page", "Value": "a"}], "Values": [10.0, 30.0], "Counts": [3.0, 1.0], "Unit": "Milliseconds"}]
    cloudwatch.put_metric_data(Namespace="E2E", MetricData=data)
    assert cloudwatch.list_metrics(Namespace="E2E")["Metrics"][0]["Dimensions"] == [{"Name": "page", "Value": "a"}]
    metric = {"Namespace": "E2E", "MetricName": "Latency", "Dimensions": [{"Name": "page", "Value": "a"}]}
    window = {"StartTime": now - datetime.timedelta(minutes=5), "EndTime": now + datetime.timedelta(minutes=5)}
    point = cloudwatch.get_metric_statistics(**metric, **window, Period=3600, Statistics=["Sum", "Average"])["Datapoints"][0]
    assert (point["Sum"], point["Average"], point["Unit"]) == (60.0, 15.0, "Milliseconds")
    query = [{"Id": "a", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "p99"}}]
    assert cloudwatch.get_metric_data(MetricDataQueries=query, **window)["MetricDataResults"][0]["Values"] == [30.0]


def test_alarm_reaches_a_queue(server):
    cloudwatch, sns, sqs = server.client("cloudwatch"), server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    cloudwatch.put_metric_alarm(
        AlarmName="errors", Namespace="E2E", MetricName="Errors", Statistic="Sum", Period=10, EvaluationPeriods=1, Threshold=0,
        ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic],
    )  # fmt: skip
    cloudwatch.put_metric_data(Namespace="E2E", MetricData=[{"MetricName": "Errors", "Value": 1, "StorageResolution": 1}])
    received = wait_for("alarm", lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages"), 60)
    message = json.loads(received[0]["Body"])
    assert (message["AlarmName"], message["NewStateValue"]) == ("errors", "ALARM")
    cloudwatch.delete_alarms(AlarmNames=["errors"])


def test_protocols(server):
    """The query protocol and JSON 1.0, which some SDKs speak."""

    def ask(body, **headers):
        request = AWSRequest("POST", server.endpoint + "/", data=body, headers=headers)
        SigV4Auth(Credentials("123456789012", "anything"), "monitoring", "us-east-1").add_auth(request)
        sent = urllib.request.Request(request.url, data=body.encode(), headers=dict(request.headers.items()), method="POST")
        with urllib.request.urlopen(sent) as answer:
            return answer.read().decode()

    form = ask("Action=ListDashboards&Version=2010-08-01", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert "<ListDashboardsResult>" in form or "<ListDashboardsResult/>" in form, form
    target = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.ListDashboards"}
    assert json.loads(ask("{}", **target)) == {"DashboardEntries": []}


def test_functions_are_measured(server):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as z:
        z.writestr("index.py", "def handler(event, context):\n    return 1 / event['by']\n")
    functions, cloudwatch = server.client("lambda"), server.client("cloudwatch")
    role = "arn:aws:iam::123456789012:role/measured"
    server.client("iam").create_role(RoleName="measured", AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }))  # fmt: skip
    functions.create_function(
        FunctionName="measured", Runtime="python3.12", Handler="index.handler", Role=role, Code={"ZipFile": package.getvalue()}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="measured")
    for by in (1, 2, 0):
        functions.invoke(FunctionName="measured", Payload=json.dumps({"by": by}))
    now = datetime.datetime.now(datetime.timezone.utc)
    window = {"StartTime": now - datetime.timedelta(minutes=10), "EndTime": now + datetime.timedelta(minutes=10), "Period": 3600}

    def total(metric):
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, Dimensions=[{"Name": "FunctionName", "Value": "measured"}], Statistics=["Sum", "SampleCount"], **window
        )["Datapoints"]
        return points and (points[0]["Sum"], points[0]["SampleCount"])

    assert wait_for("metrics", lambda: total("Invocations"), 20) == (3, 3)
    assert (total("Errors"), total("Throttles"), total("Duration")[1]) == ((1, 3), (0, 3), 3)
