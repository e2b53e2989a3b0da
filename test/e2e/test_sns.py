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
