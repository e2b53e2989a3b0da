"""examples/sales-lambda deploys as its README says, with the AWS CLI, and goes without residue."""
import os
import re
import subprocess

import pytest
from conftest import ROOT, Server, wait_for

README = ROOT / "examples" / "sales-lambda" / "README.md"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A server of its own: what is there at the end is what the stack left."""
    s = Server(tmp_path_factory.mktemp("stack"))
    yield s
    s.stop()


class Shell:
    """One shell that keeps its variables, as a user's terminal does."""

    def __init__(self, server):
        self.server, self.state = server, ""

    def run(self, script):
        mark = "----variables----"
        full = f"{self.state}\nset -e\n{script}\nset +e\necho '{mark}'\nfor v in machine execution statement; do declare -p $v 2>/dev/null; done; true"
        done = subprocess.run(["bash", "-c", full], env=self.server.environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        said, _, self.state = done.stdout.partition(mark)
        return said.strip()


def blocks():
    return re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.M | re.S)


def commands(block):
    """The commands of a block, with their continuation lines and without their remarks."""
    joined = block.replace("\\\n", " ")
    return [re.sub(r"\s+#.*$", "", line) for line in joined.splitlines() if line.strip()]


def everything(server):
    """All that a stack could leave."""
    lists = [
        ("lambda", "list_functions", "Functions", "FunctionName"), ("lambda", "list_layers", "Layers", "LayerName"),
        ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"), ("stepfunctions", "list_state_machines", "stateMachines", "name"),
        ("stepfunctions", "list_activities", "activities", "name"), ("iam", "list_roles", "Roles", "RoleName"), ("iam", "list_users", "Users", "UserName"),
        ("iam", "list_groups", "Groups", "GroupName"), ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        ("s3", "list_buckets", "Buckets", "Name"), ("sns", "list_topics", "Topics", "TopicArn"), ("events", "list_rules", "Rules", "Name"),
        ("events", "list_event_buses", "EventBuses", "Name"), ("events", "list_archives", "Archives", "ArchiveName"),
        ("events", "list_connections", "Connections", "Name"), ("scheduler", "list_schedules", "Schedules", "Name"),
        ("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"), ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"), ("secretsmanager", "list_secrets", "SecretList", "Name"),
        ("ssm", "describe_parameters", "Parameters", "Name"), ("kms", "list_keys", "Keys", "KeyId"), ("ecr", "describe_repositories", "repositories", "repositoryName"),
        ("glue", "get_jobs", "Jobs", "Name"), ("glue", "get_databases", "DatabaseList", "Name"), ("redshift", "describe_clusters", "Clusters", "ClusterIdentifier"),
        ("ec2", "describe_vpcs", "Vpcs", "VpcId"), ("ec2", "describe_addresses", "Addresses", "AllocationId"),
        ("cloudformation", "describe_stacks", "Stacks", "StackName"), ("cloudformation", "list_exports", "Exports", "Name"),
    ]
    found = {operation: [x[name] for x in getattr(server.client(service), operation)().get(member, [])] for service, operation, member, name in lists}
    found["list_policies"] = [p["PolicyName"] for p in server.client("iam").list_policies(Scope="Local")["Policies"]]
    found["list_queues"] = server.client("sqs").list_queues().get("QueueUrls", [])
    return {k: v for k, v in found.items() if v}


@pytest.fixture(scope="module")
def before(alone):
    return everything(alone)


@pytest.fixture(scope="module")
def deployed(alone, before):
    shell = Shell(alone)
    for command in commands(blocks()[0])[:3]:
        shell.run(command)
    return shell


def test_the_stack_is_deployed(deployed, alone):
    stack = alone.client("cloudformation").describe_stacks(StackName="sales")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {o["OutputKey"] for o in stack["Outputs"]} == {"FunctionName", "StateMachineArn"}
    function = alone.client("lambda").get_function(FunctionName="redshift_batch_data_api")
    assert function["Configuration"]["State"] == "Active"
    assert function["Configuration"]["Environment"]["Variables"]["BUCKET"] == "my-sales-scripts"
    assert function["Tags"]["aws:cloudformation:logical-id"] == "RedshiftBatchDataAPI"
    role = function["Configuration"]["Role"].rsplit("/", 1)[1]
    assert sorted(alone.client("iam").list_role_policies(RoleName=role)["PolicyNames"]) == ["redshift-data", "scripts"]


def run(shell):
    """The README's commands from the start of an execution to the answer."""
    find, start, ask, statement, finished, result = commands(blocks()[0])[3:]
    shell.run(find)
    shell.run(start)
    assert wait_for("end", lambda: (s := shell.run(ask)) != "RUNNING" and s) == "SUCCEEDED"
    shell.run(statement)
    assert wait_for("answer", lambda: (s := shell.run(finished)) in ("FINISHED", "FAILED") and s) == "FINISHED"
    return shell.run(result)


def test_it_runs_and_is_right(deployed):
    answer = re.sub(r"\s+", "", run(deployed))
    assert answer == '[[{"longValue":6},{"stringValue":"483.30"}]]'


def test_a_change_set_updates_it(deployed, alone):
    create, wait, describe, execute, done = commands(blocks()[1])
    deployed.run(create)
    deployed.run(wait)
    assert deployed.run(describe).split() == ["Modify", "RedshiftETLStepFunction", "False"]
    machine = next(m["stateMachineArn"] for m in alone.client("stepfunctions").list_state_machines()["stateMachines"])
    states = alone.client("stepfunctions")
    assert '"Seconds": 10' in states.describe_state_machine(stateMachineArn=machine)["definition"]
    deployed.run(execute)
    deployed.run(done)
    assert '"Seconds": 2,' in states.describe_state_machine(stateMachineArn=machine)["definition"]
    assert "483.30" in run(deployed)


def test_it_is_deleted_without_residue(deployed, alone, before):
    for command in commands(blocks()[2]):
        deployed.run(command)
    assert everything(alone) == before
    listed = alone.client("cloudformation").list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [s["StackName"] for s in listed] == ["sales"]


@pytest.mark.parametrize("example, variant", [("sales-lambda", None), ("sales", "template")])
def test_stepwell_run_deploys_it(tmp_path, example, variant):
    """In a folder of its own, where the second run finds the stack of the first."""
    command = [os.environ["STEPWELL"], "run", f"examples/{example}", "--data-dir", str(tmp_path), "--time-scale", "0"]
    command += ["--variant", variant] if variant else []
    for said in ("CREATE_COMPLETE", "is up to date"):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout and "SUCCEEDED" in done.stdout and "NOT MET" not in done.stdout


def test_the_reviews_stack_goes_as_a_whole(stepwell, server):
    assert "NOT MET" not in stepwell("run", "examples/reviews", "--variant", "template").stdout
    stacks, s3, ec2 = server.client("cloudformation"), server.client("s3"), server.client("ec2")
    made = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in stacks.list_stack_resources(StackName="reviews")["StackResourceSummaries"]}
    vpc = [{"Name": "vpc-id", "Values": [made["MyProjectVPC"]]}]
    tables = ec2.describe_route_tables(Filters=vpc)["RouteTables"]
    routes = {t["Associations"][0]["SubnetId"]: t["Routes"] for t in tables if t["Associations"] and not t["Associations"][0]["Main"]}
    assert any(r.get("GatewayId") == made["InternetGateway"] for r in routes[made["PublicSubnetB"]])
    assert any(r.get("NatGatewayId") == made["NatGateway"] for r in routes[made["PrivateSubnetA"]])
    subscriptions = server.client("sns").list_subscriptions_by_topic(TopicArn=made["AlarmTopic"])["Subscriptions"]
    assert [(s["Protocol"], s["Endpoint"]) for s in subscriptions] == [("email", "data-team@example.com")]

    identity = stacks.describe_stacks(StackName="reviews")["Stacks"][0]["StackId"]
    for name in ("ScriptBucket", "RawBucket", "DataBucket"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=made[name]):
            s3.delete_objects(Bucket=made[name], Delete={"Objects": [{"Key": o["Key"]} for o in page.get("Contents", [])]})
    stacks.delete_stack(StackName="reviews")
    stacks.get_waiter("stack_delete_complete").wait(StackName=identity, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    assert ec2.describe_vpcs(Filters=vpc)["Vpcs"] == [] and ec2.describe_subnets(Filters=vpc)["Subnets"] == []
    assert ec2.describe_addresses(Filters=[{"Name": "tag:aws:cloudformation:stack-name", "Values": ["reviews"]}])["Addresses"] == []
    states = {g["State"] for g in ec2.describe_nat_gateways(Filters=vpc)["NatGateways"]}
    assert states <= {"deleted"}
    names = [c["ClusterIdentifier"] for c in server.client("redshift").describe_clusters()["Clusters"]]
    assert made["Cluster"] not in names
    assert made["QueryJob"] not in server.client("glue").list_jobs()["JobNames"]
    assert not [b for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("reviews-") and b["Name"] != "reviews-artifacts-stepwell"]
    assert made["ClusterSecret"] not in [s["ARN"] for s in server.client("secretsmanager").list_secrets()["SecretList"]]
    roles = [r["RoleName"] for r in server.client("iam").list_roles()["Roles"]]
    assert not [r for r in roles if r.startswith("reviews-")]
