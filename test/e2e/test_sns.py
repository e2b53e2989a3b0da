"""What an HTTP subscriber checks of a message: its signature, by the certificate the message names."""
import base64
import http.server
import json
import shutil
import subprocess
import threading
import urllib.request

import pytest
from conftest import wait_for


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_signature_and_links(server, tmp_path):
    received = []

    class Subscriber(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Subscriber)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    sns = server.client("sns")
    topic = sns.create_topic(Name="signed")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{listener.server_port}/")
    request = wait_for("confirmation request", lambda: received and received[0])
    urllib.request.urlopen(request["SubscribeURL"]).close()
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    sns.publish(TopicArn=topic, Subject="one", Message='Gr\u00fc\u00dfe\n"q" <x> & \U0001f600')
    message = wait_for("notification", lambda: len(received) > 1 and received[1])
    with urllib.request.urlopen(message["SigningCertURL"]) as answer:
        (tmp_path / "cert.pem").write_bytes(answer.read())
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    (tmp_path / "text").write_text("".join(f"{n}\n{message[n]}\n" for n in names))
    (tmp_path / "signature").write_bytes(base64.b64decode(message["Signature"]))
    key = subprocess.run(["openssl", "x509", "-in", "cert.pem", "-pubkey", "-noout"], cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "key.pem").write_bytes(key)
    verified = subprocess.run(["openssl", "dgst", "-sha1", "-verify", "key.pem", "-signature", "signature", "text"], cwd=tmp_path, capture_output=True, text=True)
    assert verified.stdout.strip() == "Verified OK", verified.stderr
    urllib.request.urlopen(message["UnsubscribeURL"]).close()
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_function(server):
    """A topic and a bucket invoke functions, in the shapes of the Lambda developer guide."""
    import io
    import zipfile

    sns, sqs, functions, s3 = (server.client(name) for name in ("sns", "sqs", "lambda", "s3"))
    url = sqs.create_queue(QueueName="from-function")["QueueUrl"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("f.py", "import boto3, json\ndef handler(event, context):\n"
                   f"    boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody=json.dumps(event))\n")
    function = functions.create_function(FunctionName="told", Role="arn:aws:iam::123456789012:role/r", Runtime="python3.12", Handler="f.handler",
                                         Code={"ZipFile": archive.getvalue()}, Timeout=60)["FunctionArn"]
    wait_for("function", lambda: functions.get_function(FunctionName="told")["Configuration"]["State"] == "Active")

    def received():
        message = wait_for("event", lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages"))[0]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        record, = json.loads(message["Body"])["Records"]
        return record

    topic = sns.create_topic(Name="to-function")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    record = received()
    assert record["EventSource"] == "aws:sns" and record["EventVersion"] == "1.0" and record["EventSubscriptionArn"] == subscription
    message = record["Sns"]
    assert message["Message"] == "hello" and message["Subject"] is None and message["TopicArn"] == topic and message["Type"] == "Notification"
    assert message["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    assert message["SigningCertUrl"].startswith("http") and message["UnsubscribeUrl"].startswith("http") and message["Signature"]
    s3.create_bucket(Bucket="to-function")
    s3.put_bucket_notification_configuration(Bucket="to-function", NotificationConfiguration={
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket="to-function", Key="key", Body=b"x")
    record = received()
    assert record["eventSource"] == "aws:s3" and record["s3"]["object"]["key"] == "key"
