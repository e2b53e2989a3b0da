package states

import (
	"slices"
	"strings"

	"stepwell/internal/bus"
)

func (s *Service) operations() []bus.Operation {
	rows := []bus.Operation{
		bus.Op("CreateActivity", s.createActivity),
		bus.PartialOp("CreateStateMachine", "the encryption configuration is kept, not acted on", s.createStateMachine),
		bus.Op("CreateStateMachineAlias", s.createStateMachineAlias),
		bus.Op("DeleteActivity", s.deleteActivity),
		bus.Op("DeleteStateMachine", s.deleteStateMachine),
		bus.Op("DeleteStateMachineAlias", s.deleteStateMachineAlias),
		bus.Op("DeleteStateMachineVersion", s.deleteStateMachineVersion),
		bus.Op("DescribeActivity", s.describeActivity),
		bus.Op("DescribeExecution", s.describeExecution),
		bus.Op("DescribeMapRun", s.describeMapRun),
		bus.Op("DescribeStateMachine", s.describeStateMachine),
		bus.Op("DescribeStateMachineAlias", s.describeStateMachineAlias),
		bus.Op("DescribeStateMachineForExecution", s.describeStateMachineForExecution),
		bus.Op("GetActivityTask", s.getActivityTask),
		bus.Op("GetExecutionHistory", s.getExecutionHistory),
		bus.Op("ListActivities", s.listActivities),
		bus.Op("ListExecutions", s.listExecutions),
		bus.Op("ListMapRuns", s.listMapRuns),
		bus.Op("ListStateMachineAliases", s.listStateMachineAliases),
		bus.Op("ListStateMachineVersions", s.listStateMachineVersions),
		bus.Op("ListStateMachines", s.listStateMachines),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("PublishStateMachineVersion", s.publishStateMachineVersion),
		bus.Op("RedriveExecution", s.redriveExecution),
		bus.Op("SendTaskFailure", s.sendTaskFailure),
		bus.Op("SendTaskHeartbeat", s.sendTaskHeartbeat),
		bus.Op("SendTaskSuccess", s.sendTaskSuccess),
		bus.Op("StartExecution", s.startExecution),
		bus.Op("StartSyncExecution", s.startSyncExecution),
		bus.Op("StopExecution", s.stopExecution),
		bus.Op("TagResource", s.tagResource),
		bus.PartialOp("TestState", "tasks that wait for a job or a token need a mock", s.testState),
		bus.Op("UntagResource", s.untagResource),
		bus.Op("UpdateMapRun", s.updateMapRun),
		bus.PartialOp("UpdateStateMachine", "the encryption configuration is kept, not acted on", s.updateStateMachine),
		bus.Op("UpdateStateMachineAlias", s.updateStateMachineAlias),
		bus.Op("ValidateStateMachineDefinition", s.validateStateMachineDefinition),
	}
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
