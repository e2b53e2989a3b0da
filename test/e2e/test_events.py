"""EventBridge: rules, targets, other buses, archives, schedules and a kill, with boto3."""
import json
import signal
import time

import pytest
from conftest import make_queue, wait_for


def bodies(server, url, wait=5):
    sqs = server.client("sqs")
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10).get("Messages", [])]


def put(server, source, detail, **more):
    out = server.client("events").put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": json.dumps(detail), **more}])
    assert out["FailedEntryCount"] == 0, out
    return out["Entries"][0]["EventId"]


def test_rules(server):
    events = server.client("events")
    url, arn = make_queue(server, "rules")
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    events.put_rule(Name="here", EventBusName="orders", EventPattern='{"detail": {"n": [{"numeric": [">", 1]}]}}')
    events.put_targets(Rule="here", EventBusName=bus, Targets=[{
        "Id": "q", "Arn": arn, "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>, "rule": <aws.events.rule-name>}'}}])
    events.put_rule(Name="on", EventPattern='{"source": [{"prefix": "shop"}]}')
    events.put_targets(Rule="on", Targets=[{"Id": "bus", "Arn": bus}])
    put(server, "shop.a", {"n": 2})
    put(server, "shop.a", {"n": 1})
    put(server, "other", {"n": 3})
    put(server, "other", {"n": 4}, EventBusName="orders")
    got = []
    wait_for("two events", lambda: got.extend(map(json.loads, bodies(server, url))) or len(got) == 2)
    assert sorted(g["n"] for g in got) == [2, 4] and got[0]["rule"] == "here"
    assert [r["Name"] for r in events.list_rules(EventBusName="orders")["Rules"]] == ["here"]
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name="bad", EventPattern='{"source": "x"}')
    with pytest.raises(Exception, match="not implemented: events:PutTargets with a target of kinesis"):
        events.put_targets(Rule="on", Targets=[{"Id": "k", "Arn": "arn:aws:kinesis:us-east-1:123456789012:stream/x"}])


def test_executions(server):
    """A rule starts an execution, whose status changes reach another rule."""
    events, states = server.client("events"), server.client("stepfunctions")
    url, arn = make_queue(server, "executions")
    machine = states.create_state_machine(name="by-rule", roleArn="arn:aws:iam::123456789012:role/r",
                                          definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')["stateMachineArn"]
    events.put_rule(Name="ended", EventPattern=json.dumps({
        "source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"], "detail": {"status": ["SUCCEEDED"], "stateMachineArn": [machine]}}))
    events.put_targets(Rule="ended", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail.input"}])
    events.put_rule(Name="start", EventPattern='{"source": ["starter"]}')
    events.put_targets(Rule="start", Targets=[{"Id": "m", "Arn": machine, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": '{"x": 1}'}])
    put(server, "starter", {})
    body, = bodies(server, url)
    assert json.loads(json.loads(body)) == {"x": 1}


def test_archive(server):
    events = server.client("events")
    url, arn = make_queue(server, "replayed")
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="all", EventSourceArn=bus, EventPattern='{"source": ["kept"]}')["ArchiveArn"]
    begin = time.time() - 60
    put(server, "kept", {"n": 1})
    rule = events.put_rule(Name="replays", EventPattern='{"replay-name": ["again"]}')["RuleArn"]
    events.put_targets(Rule="replays", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail"}])
    assert events.describe_archive(ArchiveName="all")["EventCount"] == 1
    events.start_replay(ReplayName="again", EventSourceArn=archive, EventStartTime=begin, EventEndTime=time.time() + 60,
                        Destination={"Arn": bus, "FilterArns": [rule]})
    wait_for("end", lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED")
    assert bodies(server, url) == ['{"n":1}']


def test_kill(new_server):
    server = new_server()
    url, arn = make_queue(server, "q")
    events = server.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["a"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail.n"}])
    for i in range(100):
        put(server, "a", {"n": i})
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    got = set()
    wait_for("all events", lambda: got.update(bodies(server, url)) or len(got) == 100)


def test_schedule(new_server):
    server = new_server("--time-scale", "0.001")
    url, arn = make_queue(server, "q")
    events = server.client("events")
    events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn}])
    event = json.loads(wait_for("an hour", lambda: bodies(server, url))[0])
    assert event["detail-type"] == "Scheduled Event" and event["source"] == "aws.events"
    assert event["resources"] == [events.describe_rule(Name="r")["Arn"]]


def test_objects_on_the_bus(server):
    """What happens to objects, in the shape of the S3 user guide's "EventBridge event message structure"."""
    s3, events = server.client("s3"), server.client("events")
    url, arn = make_queue(server, "objects")
    s3.create_bucket(Bucket="told-bus")
    s3.put_object(Bucket="told-bus", Key="before", Body=b"x")
    s3.put_bucket_notification_configuration(Bucket="told-bus", NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket="told-bus")["EventBridgeConfiguration"] == {}
    events.put_rule(Name="objects", EventPattern='{"source": ["aws.s3"], "detail": {"bucket": {"name": ["told-bus"]}}}')
    events.put_targets(Rule="objects", Targets=[{"Id": "q", "Arn": arn}])
    etag = s3.put_object(Bucket="told-bus", Key="a b.csv", Body=b"hello")["ETag"].strip('"')
    s3.copy_object(Bucket="told-bus", Key="copy", CopySource="told-bus/a b.csv")
    s3.put_object_tagging(Bucket="told-bus", Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    upload = s3.create_multipart_upload(Bucket="told-bus", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="told-bus", Key="parts", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(Bucket="told-bus", Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    s3.delete_object(Bucket="told-bus", Key="copy")
    s3.delete_object(Bucket="told-bus", Key="nothing there")
    s3.delete_objects(Bucket="told-bus", Delete={"Objects": [{"Key": "parts"}, {"Key": "nor here"}], "Quiet": True})
    got = []
    wait_for("six events", lambda: got.extend(map(json.loads, bodies(server, url))) or len(got) >= 6)
    assert sorted((e["detail-type"], e["detail"]["object"]["key"], e["detail"].get("reason")) for e in got) == [
        ("Object Created", "a b.csv", "PutObject"), ("Object Created", "copy", "CopyObject"), ("Object Created", "parts", "CompleteMultipartUpload"),
        ("Object Deleted", "copy", "DeleteObject"), ("Object Deleted", "parts", "DeleteObjects"), ("Object Tags Added", "copy", None)]
    created = next(e for e in got if e["detail"]["object"]["key"] == "a b.csv")
    assert created["resources"] == ["arn:aws:s3:::told-bus"] and created["account"] == "123456789012"
    thing = created["detail"]["object"]
    assert thing["size"] == 5 and thing["etag"] == etag and int(thing["sequencer"], 16)
    assert created["detail"]["requester"] == "123456789012" and created["detail"]["source-ip-address"] == "127.0.0.1"
    deleted = next(e for e in got if e["detail-type"] == "Object Deleted")
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"


def test_bucket_notifications(server):
    """Queues and topics with filters, and their test events."""
    s3, sns = server.client("s3"), server.client("sns")
    url, arn = make_queue(server, "told")
    other, other_arn = make_queue(server, "told-by-topic")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other_arn)
    s3.create_bucket(Bucket="told")
    s3.put_bucket_notification_configuration(Bucket="told", NotificationConfiguration={
        "QueueConfigurations": [{"Id": "csv", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"],
                                 "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]}}}],
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}]})
    test, = map(json.loads, bodies(server, url))
    assert test["Service"] == "Amazon S3" and test["Event"] == "s3:TestEvent" and test["Bucket"] == "told"
    envelope, = map(json.loads, bodies(server, other))
    assert json.loads(envelope["Message"])["Event"] == "s3:TestEvent"
    kept = s3.get_bucket_notification_configuration(Bucket="told")
    assert kept["QueueConfigurations"][0]["Id"] == "csv" and kept["TopicConfigurations"][0]["Id"]
    for key in ["in/a b.csv", "in/a.txt", "out/a.csv"]:
        s3.put_object(Bucket="told", Key=key, Body=b"12345")
    body, = bodies(server, url)
    record, = json.loads(body)["Records"]
    assert record["eventVersion"] == "2.1" and record["eventSource"] == "aws:s3" and record["eventName"] == "ObjectCreated:Put"
    assert record["awsRegion"] == "us-east-1" and record["s3"]["configurationId"] == "csv"
    assert record["s3"]["bucket"] == {"name": "told", "ownerIdentity": {"principalId": "123456789012"}, "arn": "arn:aws:s3:::told"}
    assert record["s3"]["object"]["key"] == "in/a+b.csv" and record["s3"]["object"]["size"] == 5
    s3.delete_object(Bucket="told", Key="in/a.txt")
    envelope, = map(json.loads, bodies(server, other))
    assert envelope["Subject"] == "Amazon S3 Notification"
    removed, = json.loads(envelope["Message"])["Records"]
    assert removed["eventName"] == "ObjectRemoved:Delete" and removed["s3"]["object"]["key"] == "in/a.txt"
    for configuration, text in [
        ({"QueueConfigurations": [{"QueueArn": arn + "-gone", "Events": ["s3:ObjectCreated:*"]}]}, "Unable to validate the following destination configurations"),
        ({"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}, {"QueueArn": arn, "Events": ["s3:ObjectCreated:Put"]}]},
         "Configuration is ambiguously defined"),
    ]:
        with pytest.raises(Exception, match=text):
            s3.put_bucket_notification_configuration(Bucket="told", NotificationConfiguration=configuration)
    s3.put_bucket_notification_configuration(Bucket="told", NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="told")


def test_versions_are_told(server):
    s3 = server.client("s3")
    url, arn = make_queue(server, "versions")
    s3.create_bucket(Bucket="versions-told")
    s3.put_bucket_versioning(Bucket="versions-told", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket="versions-told", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"]}]})
    version = s3.put_object(Bucket="versions-told", Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket="versions-told", Key="k")["VersionId"]
    s3.delete_object(Bucket="versions-told", Key="k", VersionId=version)
    got = []
    wait_for("events", lambda: got.extend(r for b in bodies(server, url) for r in json.loads(b).get("Records", [])) or len(got) >= 3)
    assert sorted((r["eventName"], r["s3"]["object"]["versionId"]) for r in got) == sorted([
        ("ObjectCreated:Put", version), ("ObjectRemoved:DeleteMarkerCreated", marker), ("ObjectRemoved:Delete", version)])


def test_unload_is_told(server):
    """Files that the warehouse publishes are objects like others."""
    s3 = server.client("s3")
    url, arn = make_queue(server, "unloaded")
    s3.create_bucket(Bucket="unload-told")
    s3.put_bucket_notification_configuration(Bucket="unload-told", NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
    data = server.client("redshift-data")
    statement = data.execute_statement(ClusterIdentifier="stepwell", Database="dev", DbUser="awsuser",
                                       Sql="UNLOAD ('SELECT 1') TO 's3://unload-told/u_' IAM_ROLE default PARALLEL OFF")
    wait_for("statement", lambda: data.describe_statement(Id=statement["Id"])["Status"] in ("FINISHED", "FAILED"))
    assert data.describe_statement(Id=statement["Id"])["Status"] == "FINISHED", data.describe_statement(Id=statement["Id"])
    keys = []
    wait_for("object", lambda: keys.extend(r["s3"]["object"]["key"] for b in bodies(server, url) for r in json.loads(b).get("Records", [])) or keys)
    assert keys == ["u_000"]


def test_catalog_and_statements_on_the_bus(server):
    """Changes of the Data Catalog, ends of statements, and a statement run by a rule."""
    events, glue, data = server.client("events"), server.client("glue"), server.client("redshift-data")
    url, arn = make_queue(server, "changes")
    events.put_rule(Name="changes", EventPattern='{"source": ["aws.glue", "aws.redshift-data"]}')
    events.put_targets(Rule="changes", Targets=[{"Id": "q", "Arn": arn}])
    events.put_rule(Name="sql", EventPattern='{"source": ["run.sql"]}')
    events.put_targets(Rule="sql", Targets=[{"Id": "r", "Arn": "arn:aws:redshift:us-east-1:123456789012:cluster:stepwell", "RoleArn": "arn:aws:iam::123456789012:role/r",
                                             "RedshiftDataParameters": {"Database": "dev", "DbUser": "awsuser", "Sql": "SELECT 7", "StatementName": "by-rule", "WithEvent": True}}])
    glue.create_database(DatabaseInput={"Name": "told"})
    glue.create_table(DatabaseName="told", TableInput={"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]}})
    statement = data.execute_statement(ClusterIdentifier="stepwell", Database="dev", DbUser="awsuser", Sql="SELECT 1", WithEvent=True, StatementName="mine")["Id"]
    data.execute_statement(ClusterIdentifier="stepwell", Database="dev", DbUser="awsuser", Sql="SELECT 2")
    put(server, "run.sql", {})
    got = []
    wait_for("four events", lambda: got.extend(map(json.loads, bodies(server, url))) or len(got) >= 4)
    glue_events = sorted((e["detail-type"], e["detail"]["typeOfChange"], *e["detail"]["changedTables"]) for e in got if e["source"] == "aws.glue")
    assert glue_events == [("Glue Data Catalog Database State Change", "CreateDatabase"), ("Glue Data Catalog Database State Change", "CreateTable", "t")]
    table = next(e for e in got if e["source"] == "aws.glue" and e["detail"]["changedTables"])
    assert table["resources"] == ["arn:aws:glue:us-east-1:123456789012:table/told/t"]
    ended = {e["detail"]["statementName"]: e for e in got if e["source"] == "aws.redshift-data"}
    assert set(ended) == {"mine", "by-rule"}
    assert ended["mine"]["detail-type"] == "Redshift Data Statement Status Change" and ended["mine"]["detail"]["state"] == "FINISHED"
    assert ended["mine"]["detail"]["statementId"] == statement and ended["mine"]["detail"]["rows"] == 1
    assert ended["mine"]["resources"] == ["arn:aws:redshift:us-east-1:123456789012:cluster:stepwell"]
    events.remove_targets(Rule="changes", Ids=["q"])


def test_workgroup_target(server):
    """A rule runs SQL in a serverless workgroup, which its ARN names by id."""
    events, serverless = server.client("events"), server.client("redshift-serverless")
    url, arn = make_queue(server, "workgroup")
    serverless.create_namespace(namespaceName="ruled")
    group = serverless.create_workgroup(workgroupName="ruled", namespaceName="ruled")["workgroup"]["workgroupArn"]
    wait_for("workgroup", lambda: serverless.get_workgroup(workgroupName="ruled")["workgroup"]["status"] == "AVAILABLE")
    events.put_rule(Name="statements", EventPattern='{"source": ["aws.redshift-data"], "detail": {"statementName": ["in-workgroup"]}}')
    events.put_targets(Rule="statements", Targets=[{"Id": "q", "Arn": arn}])
    events.put_rule(Name="workgroup", EventPattern='{"source": ["run.workgroup"]}')
    events.put_targets(Rule="workgroup", Targets=[{"Id": "w", "Arn": group, "RoleArn": "arn:aws:iam::123456789012:role/r", "RedshiftDataParameters": {
        "Database": "dev", "Sql": "SELECT 1", "StatementName": "in-workgroup", "WithEvent": True}}])
    put(server, "run.workgroup", {})
    event, = map(json.loads, bodies(server, url, 20))
    assert event["detail"]["state"] == "FINISHED" and event["detail"]["workgroupName"] == "ruled"
    assert event["resources"] == [group]
