"""State machines made and run with boto3."""
import json

from conftest import wait_for

ROLE = "arn:aws:iam::123456789012:role/states"


class Machines:
    def __init__(self, server):
        self.client = server.client("stepfunctions")

    def create(self, name, definition, **options):
        """Create a state machine and return its ARN. A definition of a single state becomes a machine of it."""
        if "States" not in definition:
            definition = {"StartAt": "Only", "States": {"Only": {"End": True, **definition}}}
        return self.client.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE, **options)["stateMachineArn"]

    def start(self, machine, value=None):
        return self.client.start_execution(stateMachineArn=machine, input=json.dumps(value or {}))["executionArn"]

    def ended(self, execution):
        """Wait for the end and return the description."""
        return wait_for("end of " + execution, lambda: (
            d := self.client.describe_execution(executionArn=execution))["status"] not in ("RUNNING", "PENDING_REDRIVE") and d)

    def run(self, machine, value=None):
        return self.ended(self.start(machine, value))

    def events(self, execution):
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [e for page in pages for e in page["events"]]

    def types(self, execution):
        return [e["type"] for e in self.events(execution)]
