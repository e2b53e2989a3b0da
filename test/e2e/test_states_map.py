"""A Distributed Map over a CSV file in S3, with ItemBatcher and ResultWriter."""
import json

import pytest
from machines import Machines

ROWS = 25


@pytest.fixture(scope="module")
def map_run(server):
    """The ended execution, its output, and the clients."""
    s3, machines = server.client("s3"), Machines(server)
    s3.create_bucket(Bucket="map-bucket")
    lines = ["id,city,amount", *(f'{i},"City, {i % 3}",{i * 10}' for i in range(ROWS))]
    s3.put_object(Bucket="map-bucket", Key="in/sales.csv", Body="\r\n".join(lines))
    machine = machines.create("distributed", {
        "Type": "Map", "Label": "Sales", "MaxConcurrency": 4, "ToleratedFailurePercentage": 50,
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject",
                       "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                       "Parameters": {"Bucket": "map-bucket", "Key": "in/sales.csv"}},
        "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"from": "e2e"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Sum",
            "States": {
                "Sum": {"Type": "Pass", "QueryLanguage": "JSONata", "Next": "Check", "Output": {
                    "sum": "{% $sum($states.input.Items.$number(amount)) %}",
                    "cities": "{% $count($distinct($states.input.Items.city)) %}",
                    "from": "{% $states.input.BatchInput.from %}"}},
                "Check": {"Type": "Choice", "QueryLanguage": "JSONata", "Default": "Keep",
                          "Choices": [{"Condition": "{% $states.input.sum > 1400 and $states.input.sum < 1500 %}", "Next": "Refuse"}]},
                "Keep": {"Type": "Succeed"},
                "Refuse": {"Type": "Fail", "Error": "Batch", "Cause": "the second"}}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "map-bucket", "Prefix": "out"}},
    })
    done = machines.run(machine)
    assert done["status"] == "SUCCEEDED", done
    return machines, s3, done, json.loads(done["output"])


def test_counts(map_run):
    machines, _, done, output = map_run
    runs = machines.client.list_map_runs(executionArn=done["executionArn"])["mapRuns"]
    assert [r["mapRunArn"] for r in runs] == [output["MapRunArn"]]
    run = machines.client.describe_map_run(mapRunArn=output["MapRunArn"])
    assert (run["status"], run["maxConcurrency"], run["toleratedFailurePercentage"]) == ("SUCCEEDED", 4, 50.0)
    assert {k: v for k, v in run["itemCounts"].items() if v} == {"total": 25, "succeeded": 15, "failed": 10, "resultsWritten": 25}
    assert {k: v for k, v in run["executionCounts"].items() if v} == {"total": 3, "succeeded": 2, "failed": 1, "resultsWritten": 3}


def test_children(map_run):
    machines, _, _, output = map_run
    children = machines.client.list_executions(mapRunArn=output["MapRunArn"])["executions"]
    assert sorted(c["status"] for c in children) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    failed = next(c for c in children if c["status"] == "FAILED")
    described = machines.client.describe_execution(executionArn=failed["executionArn"])
    assert (described["error"], described["cause"], described["mapRunArn"]) == ("Batch", "the second", output["MapRunArn"])
    assert [item["id"] for item in json.loads(described["input"])["Items"]] == [str(i) for i in range(10, 20)]
    assert machines.types(failed["executionArn"])[-1] == "ExecutionFailed"


def test_results(map_run):
    _, s3, _, output = map_run
    where = output["ResultWriterDetails"]
    assert where["Bucket"] == "map-bucket" and where["Key"].startswith("out/") and where["Key"].endswith("/manifest.json")

    def read(key):
        return json.load(s3.get_object(Bucket="map-bucket", Key=key)["Body"])

    manifest = read(where["Key"])
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == ("map-bucket", output["MapRunArn"])
    files = {status: [f["Key"] for f in manifest["ResultFiles"][status]] for status in ("SUCCEEDED", "FAILED", "PENDING")}
    assert [len(files[s]) for s in files] == [1, 1, 0]
    succeeded, failed = read(files["SUCCEEDED"][0]), read(files["FAILED"][0])
    outputs = sorted((json.loads(c["Output"]) for c in succeeded), key=lambda o: o["sum"])
    assert outputs == [{"sum": 450, "cities": 3, "from": "e2e"}, {"sum": 1100, "cities": 3, "from": "e2e"}]
    assert [(c["Status"], c["Error"]) for c in failed] == [("FAILED", "Batch")]


def test_members_and_sources(server):
    machines = Machines(server)
    machine = machines.create("members", {
        "Type": "Map", "ItemsPath": "$.servers",
        "ItemSelector": {"name.$": "$$.Map.Item.Key", "port.$": "$$.Map.Item.Value.port", "from.$": "$$.Map.Item.Source"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                          "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}})
    done = machines.run(machine, {"servers": {"web": {"port": 80}, "db": {"port": 5432}}})
    assert json.loads(done["output"]) == [{"name": "web", "port": 80, "from": "STATE_DATA"}, {"name": "db", "port": 5432, "from": "STATE_DATA"}]
