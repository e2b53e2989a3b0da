"""A server per test session, and clients for it."""
import os
import pathlib
import subprocess
import threading
import time

import boto3
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_configure(config):
    config.addinivalue_line("markers", "clients: needs requirements-clients.txt, and Java and Maven for JDBC")
    config.addinivalue_line("markers", "dbt: needs requirements-dbt.txt")


class Server:
    """A running `stepwell serve`."""

    def __init__(self, data, *flags):
        self.data = pathlib.Path(data)
        self.flags = flags
        self.start()

    def start(self):
        command = [os.environ["STEPWELL"], "serve", "--data-dir", str(self.data)]
        command += ["--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0", *self.flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = {}
        for line in self.process.stdout:
            if line.startswith("AWS endpoint"):
                said["endpoint"] = line.split()[2]
            if line.startswith("Redshift"):
                said["redshift"] = line.split()[1]
            if line.startswith("Ready"):
                break
        else:
            raise RuntimeError("the server did not start: " + self.process.stderr.read())
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        self.endpoint = said["endpoint"]
        self.redshift_host, port = said["redshift"].rsplit(":", 1)
        self.redshift_port = int(port)

    @property
    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "123456789012",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # as `stepwell env` says: else sync-127.0.0.1
            "PGHOST": self.redshift_host,
            "PGPORT": str(self.redshift_port),
            "PGUSER": "awsuser",
            "PGDATABASE": "dev",
            "PGPASSWORD": "anything",
        }

    def client(self, service, **options):
        options.setdefault("aws_access_key_id", "123456789012")
        options.setdefault("region_name", "us-east-1")
        options.setdefault("aws_secret_access_key", "anything")
        return boto3.client(service, endpoint_url=self.endpoint, **options)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("data"))
    yield s
    s.stop()


@pytest.fixture(scope="session")
def stepwell(server):
    """Run a stepwell command against the server's data folder."""

    def run(*args, check=True):
        done = subprocess.run(
            [os.environ["STEPWELL"], *args, "--data-dir", str(server.data)], capture_output=True, text=True, cwd=ROOT
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def new_server(tmp_path):
    """Make servers over one data folder, one after the other; all are killed at the end."""
    made = []

    def make(*flags):
        made.append(Server(tmp_path, *flags))
        return made[-1]

    yield make
    for server in made:
        server.process.kill()
        server.process.wait()


def make_queue(server, name):
    """Make a queue; its URL and its ARN."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def wait_for(what, condition, seconds=120):
    """Poll until condition() is true and return what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"no {what} within {seconds} s")
