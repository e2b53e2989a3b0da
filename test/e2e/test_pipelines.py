"""The reviews pipeline succeeds and fails as it should, and what it left is there for every client."""
import http.server
import json
import os
import subprocess
import threading

import psycopg
import psycopg2
import pytest
import redshift_connector
from conftest import ROOT, wait_for


@pytest.fixture(scope="module")
def reviews(stepwell):
    return stepwell("run", "examples/reviews")


def test_reviews_pipeline_runs(reviews):
    assert "SUCCEEDED" in reviews.stdout
    assert "NOT MET" not in reviews.stdout
    assert "Phentermine" in reviews.stdout


def test_psql_reads_the_loaded_table(reviews, server):
    out = subprocess.run(
        ["psql", "-At", "-d", "reviews", "-c", "select count(*), max(year) from public.reviews"],
        env=server.environment, capture_output=True, text=True,
    )
    assert out.stdout.strip() == "979|2017", out.stderr


def test_psql_describes_it(reviews, server):
    out = subprocess.run(["psql", "-d", "reviews", "-c", "\\dt", "-c", "\\d public.reviews", "-c", "\\l", "-c", "\\dn"],
                         env=server.environment, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert "reviews" in out.stdout and "character varying(16)" in out.stdout


@pytest.mark.parametrize("driver", ["redshift_connector", "psycopg2", "psycopg"])
def test_drivers_read_it(reviews, server, driver):
    where = dict(host=server.redshift_host, port=server.redshift_port, user="awsuser", password="x")
    query = "select product_title, sum(helpful_votes) as votes from public.reviews group by 1 order by 2 desc, 1 limit %s"
    if driver == "redshift_connector":
        connection = redshift_connector.connect(database="reviews", ssl=False, **where)
    elif driver == "psycopg2":
        connection = psycopg2.connect(dbname="reviews", **where)
    else:
        connection = psycopg.connect(dbname="reviews", **where)
    with connection, connection.cursor() as cursor:
        cursor.execute(query, (2,))
        assert [d[0] for d in cursor.description] == ["product_title", "votes"]
        assert [tuple(r) for r in cursor.fetchall()] == [("Sertraline", 371), ("Zoloft", 330)]


def test_unloaded_files_are_objects(reviews, server):
    s3 = server.client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="redshift-databucket-stepwell", Prefix="topreviews/")["Contents"]]
    assert "topreviews/top_manifest" in keys and "topreviews/top_000" in keys
    manifest = json.load(s3.get_object(Bucket="redshift-databucket-stepwell", Key="topreviews/top_manifest")["Body"])
    assert manifest["entries"][0]["url"] == "s3://redshift-databucket-stepwell/topreviews/top_000"
    text = s3.get_object(Bucket="redshift-databucket-stepwell", Key="topreviews/top_000")["Body"].read().decode()
    assert len(text.splitlines()) == 101


class Subscriber(http.server.BaseHTTPRequestHandler):
    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Subscriber.received.append((self.headers["x-amz-sns-message-type"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_failing_pipeline_notifies(reviews, stepwell, server):
    sns = server.client("sns")
    arn = sns.create_topic(Name="alarm-topic")["TopicArn"]
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Subscriber)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=f"http://127.0.0.1:{listener.server_port}/")
    request = wait_for("confirmation request", lambda: Subscriber.received and Subscriber.received[0])
    assert request[0] == "SubscriptionConfirmation"
    sns.confirm_subscription(TopicArn=arn, Token=request[1]["Token"])

    done = stepwell("run", "examples/reviews", "--variant", "failing")
    assert "FAILED" in done.stdout

    def notifications():
        return [m for kind, m in Subscriber.received if kind == "Notification"]

    wait_for("notification", notifications)
    assert len(notifications()) == 1
    message = notifications()[0]
    assert message["Subject"] == "The reviews pipeline failed"
    assert message["Message"].startswith("States.TaskFailed: ") and "no_such_column" in message["Message"]
    mails = [f.read_text() for f in (server.data / "outbox").glob("*.eml") if "no_such_column" in f.read_text()]
    assert len(mails) == 1

    runs = server.client("glue").get_job_runs(JobName="rs_query")["JobRuns"]
    failed = [r for r in runs if r["JobRunState"] == "FAILED"]
    assert len(failed) == 3  # the attempt and two of Retry
    assert "no_such_column" in failed[0]["ErrorMessage"]
    logs = server.client("logs")
    events = logs.filter_log_events(logGroupName="/aws-glue/python-jobs/error", logStreamNames=[failed[0]["Id"]])["events"]
    text = "\n".join(e["message"] for e in events)
    assert "Traceback (most recent call last)" in text and "run_script" in text


@pytest.mark.parametrize("variant", ["failing", "procedures", "procedures-failing"])
def test_sales_variants(variant, tmp_path):
    run = subprocess.run(
        [os.environ["STEPWELL"], "run", "examples/sales", "--variant", variant, "--time-scale", "0", "--data-dir", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT,
    )
    assert run.returncode == 0 and "NOT MET" not in run.stdout, run.stdout + run.stderr
