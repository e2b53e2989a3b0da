"""SQS over both protocols, with boto3 and the AWS CLI, and SNS delivering to it."""
import json
import signal
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import wait_for


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(sqs, url, **more):
    return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10, **more).get("Messages", [])


def test_messages(server):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="messages", tags={"a": "b"})["QueueUrl"]
    assert url == server.endpoint + "/123456789012/messages"
    # boto3 checks the MD5s of bodies and attributes itself.
    attributes = {"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sqs.send_message(QueueUrl=url, MessageBody="one \u00fc", MessageAttributes=attributes)
    message, = receive(sqs, url, AttributeNames=["All"], MessageAttributeNames=["All"])
    assert message["Body"] == "one \u00fc" and message["MessageAttributes"]["b"]["BinaryValue"] == b"\x00\xff"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as e:
        sqs.send_message(QueueUrl=url + "x", MessageBody="x")
    assert e.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(ClientError) as e:
        sqs.send_message(QueueUrl=url, MessageBody="x" * (1 << 20) + "x")
    assert e.value.response["Error"]["Code"] == "InvalidParameterValue"


def query(url, **form):
    request = urllib.request.Request(url, urllib.parse.urlencode({"Version": "2012-11-05", **form}).encode(), headers={
        "Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=x"})
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as e:
        return e.read().decode()


def test_query_protocol(server):
    made = query(server.endpoint + "/", **{"Action": "CreateQueue", "QueueName": "old", "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "7"})
    url = server.endpoint + "/123456789012/old"
    assert f"<CreateQueueResult><QueueUrl>{url}</QueueUrl></CreateQueueResult>" in made
    sent = query(url, **{"Action": "SendMessage", "QueueUrl": url, "MessageBody": "x", "MessageAttribute.1.Name": "k",
                         "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "v"})
    assert "<MD5OfMessageBody>9dd4e461268c8034f5c8564e155c67a6</MD5OfMessageBody>" in sent
    got = query(url, **{"Action": "ReceiveMessage", "QueueUrl": url, "AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert "<Message><MessageId>" in got and "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>" in got
    assert "<MessageAttribute><Name>k</Name><Value><StringValue>v</StringValue><DataType>String</DataType></Value></MessageAttribute>" in got
    assert "<Name>VisibilityTimeout</Name><Value>7</Value>" in query(url, **{"Action": "GetQueueAttributes", "QueueUrl": url, "AttributeName.1": "All"})
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in query(url, Action="PurgeQueue", QueueUrl=url + "x")


def test_kill(new_server):
    server = new_server()
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="kill")["QueueUrl"]
    for i in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=str(i))
    kept = receive(sqs, url, VisibilityTimeout=600)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    sqs = server.client("sqs")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=kept[0]["ReceiptHandle"])
    left = []
    while len(left) + len(kept) < 20:
        left += receive(sqs, url)
    assert sorted(int(m["Body"]) for m in kept + left) == list(range(20))
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
    assert counts == {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "19"}


def test_topics(server):
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="to-queues")["TopicArn"]
    urls = {}
    for name, attributes in {
        "wrapped": {},
        "raw": {"RawMessageDelivery": "true"},
        "filtered": {"FilterPolicy": '{"kind": ["b"]}'},
        "by-body": {"FilterPolicy": '{"k": [{"prefix": "o"}]}', "FilterPolicyScope": "MessageBody"},
    }.items():
        urls[name] = sqs.create_queue(QueueName="topic-" + name)["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn(sqs, urls[name]), Attributes=attributes)
    sns.publish(TopicArn=topic, Message='{"k": "one"}', Subject="s", MessageAttributes={"kind": {"DataType": "String", "StringValue": "a"}})
    wrapped = json.loads(receive(sqs, urls["wrapped"])[0]["Body"])
    assert wrapped["Message"] == '{"k": "one"}' and wrapped["MessageAttributes"]["kind"]["Value"] == "a"
    raw = receive(sqs, urls["raw"], MessageAttributeNames=["All"])[0]
    assert raw["Body"] == '{"k": "one"}' and raw["MessageAttributes"]["kind"]["StringValue"] == "a"
    assert len(receive(sqs, urls["by-body"])) == 1
    assert sqs.receive_message(QueueUrl=urls["filtered"]).get("Messages") is None
    # A queue that is not there: the message goes to the dead-letter queue.
    dead = sqs.create_queue(QueueName="topic-dead")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn(sqs, dead) + "-none", Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn(sqs, dead)}), "RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="lost")
    assert receive(sqs, dead)[0]["Body"] == "lost"


def test_fifo_topic(server):
    sns, sqs = server.client("sns"), server.client("sqs")
    url = sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    topic = sns.create_topic(Name="ordered.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn(sqs, url), Attributes={"RawMessageDelivery": "true"})
    for i in range(30):
        sns.publish(TopicArn=topic, Message=str(i), MessageGroupId="g")
    got = []

    def drain():
        for m in receive(sqs, url):
            got.append(int(m["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return len(got) == 30

    wait_for("30 messages", drain)
    assert got == list(range(30))
