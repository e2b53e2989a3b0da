package states

import (
	"slices"
	"strings"

	"stepwell/internal/bus"
)

func (s *Service) operations() []bus.Operation {
	rows := []bus.Operation{
		bus.Op("CreateActivity", s.createActivity),
		bus.PartialOp("CreateStateMachine", "encryption and logging configurations are kept, not acted on", s.createStateMachine),
		bus.Op("DeleteActivity", s.deleteActivity),
		bus.Op("DeleteStateMachine", s.deleteStateMachine),
		bus.Op("DeleteStateMachineVersion", s.deleteStateMachineVersion),
		bus.Op("DescribeActivity", s.describeActivity),
		bus.PartialOp("DescribeExecution", "no redrive, map runs or aliases", s.describeExecution),
		bus.PartialOp("DescribeStateMachine", "no aliases", s.describeStateMachine),
		bus.PartialOp("DescribeStateMachineForExecution", "no map runs", s.describeStateMachineForExecution),
		bus.Op("GetActivityTask", s.getActivityTask),
		bus.Op("GetExecutionHistory", s.getExecutionHistory),
		bus.Op("ListActivities", s.listActivities),
		bus.PartialOp("ListExecutions", "no map runs, no redrive filter", s.listExecutions),
		bus.Op("ListStateMachineVersions", s.listStateMachineVersions),
		bus.Op("ListStateMachines", s.listStateMachines),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("PublishStateMachineVersion", s.publishStateMachineVersion),
		bus.Op("SendTaskFailure", s.sendTaskFailure),
		bus.Op("SendTaskHeartbeat", s.sendTaskHeartbeat),
		bus.Op("SendTaskSuccess", s.sendTaskSuccess),
		bus.PartialOp("StartExecution", "no aliases", s.startExecution),
		bus.PartialOp("StartSyncExecution", "no aliases", s.startSyncExecution),
		bus.Op("StopExecution", s.stopExecution),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagResource", s.untagResource),
		bus.PartialOp("UpdateStateMachine", "encryption and logging configurations are kept, not acted on", s.updateStateMachine),
		bus.Op("ValidateStateMachineDefinition", s.validateStateMachineDefinition),
	}
	rows = append(rows, bus.Missing("aliases are not implemented", "CreateStateMachineAlias", "DeleteStateMachineAlias",
		"DescribeStateMachineAlias", "ListStateMachineAliases", "UpdateStateMachineAlias")...)
	rows = append(rows, bus.Missing("distributed Map is not implemented", "DescribeMapRun", "ListMapRuns", "UpdateMapRun")...)
	rows = append(rows, bus.Missing("redrive is not implemented", "RedriveExecution")...)
	rows = append(rows, bus.Missing("testing of single states is not implemented", "TestState")...)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
