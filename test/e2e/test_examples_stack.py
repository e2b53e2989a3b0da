"""examples/sales-lambda deploys as its README says, with the AWS CLI, and goes without residue."""
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
    found = {
        "functions": [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]],
        "machines": [m["name"] for m in server.client("stepfunctions").list_state_machines()["stateMachines"]],
        "roles": [r["RoleName"] for r in server.client("iam").list_roles()["Roles"]],
        "policies": [p["PolicyName"] for p in server.client("iam").list_policies(Scope="Local")["Policies"]],
        "buckets": [b["Name"] for b in server.client("s3").list_buckets()["Buckets"]],
        "topics": server.client("sns").list_topics()["Topics"],
        "queues": server.client("sqs").list_queues().get("QueueUrls", []),
        "rules": [r["Name"] for r in server.client("events").list_rules()["Rules"]],
        "stacks": [s["StackName"] for s in server.client("cloudformation").describe_stacks()["Stacks"]],
        "exports": server.client("cloudformation").list_exports()["Exports"],
    }
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


@pytest.mark.parametrize("example, variant", [("sales-lambda", None)])
def test_stepwell_run_deploys_it(stepwell, example, variant):
    arguments = ["--variant", variant] if variant else []
    out = stepwell("run", f"examples/{example}", *arguments).stdout
    assert "NOT MET" not in out and "SUCCEEDED" in out
    again = stepwell("run", f"examples/{example}", *arguments).stdout
    assert "is up to date" in again and "NOT MET" not in again
