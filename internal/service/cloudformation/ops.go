package cloudformation

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
)

// Table returns the service's operations.
func (s *Service) Table() *bus.Service {
	rows := slices.Concat([]bus.Operation{
		bus.Op("CancelUpdateStack", s.CancelUpdateStack),
		bus.Op("ContinueUpdateRollback", s.ContinueUpdateRollback),
		bus.PartialOp("CreateChangeSet", "types CREATE and UPDATE; no change sets for nested stacks, no import of resources, no rollback triggers", s.CreateChangeSet),
		bus.PartialOp("CreateStack", "no rollback triggers", s.CreateStack),
		bus.Op("DeleteChangeSet", s.DeleteChangeSet),
		bus.Op("DeleteStack", s.DeleteStack),
		bus.Op("DescribeAccountLimits", s.DescribeAccountLimits),
		bus.PartialOp("DescribeChangeSet", "without property values", s.DescribeChangeSet),
		bus.Op("DescribeStackEvents", s.DescribeStackEvents),
		bus.Op("DescribeStackResource", s.DescribeStackResource),
		bus.Op("DescribeStackResources", s.DescribeStackResources),
		bus.Op("DescribeStacks", s.DescribeStacks),
		bus.Op("ExecuteChangeSet", s.ExecuteChangeSet),
		bus.Op("GetStackPolicy", s.GetStackPolicy),
		bus.Op("GetTemplate", s.GetTemplate),
		bus.PartialOp("GetTemplateSummary", "no resource identifiers", s.GetTemplateSummary),
		bus.Op("ListChangeSets", s.ListChangeSets),
		bus.Op("ListExports", s.ListExports),
		bus.Op("ListImports", s.ListImports),
		bus.Op("ListStackResources", s.ListStackResources),
		bus.Op("ListStacks", s.ListStacks),
		bus.Op("RollbackStack", s.RollbackStack),
		bus.Op("SetStackPolicy", s.SetStackPolicy),
		bus.PartialOp("SignalResource", "of wait conditions", s.SignalResource),
		bus.PartialOp("UpdateStack", "no rollback triggers, no stack policy for one update", s.UpdateStack),
		bus.Op("UpdateTerminationProtection", s.UpdateTerminationProtection),
		bus.Op("ValidateTemplate", s.ValidateTemplate),
	},
		bus.Missing("no drift detection", "DescribeStackDriftDetectionStatus", "DescribeStackResourceDrifts", "DetectStackDrift",
			"DetectStackResourceDrift", "DetectStackSetDrift"),
		bus.Missing("no prices", "EstimateTemplateCost"),
		bus.Missing("no hooks", "DescribeChangeSetHooks", "RecordHandlerProgress"),
		bus.Missing("no stack sets", "ActivateOrganizationsAccess", "CreateStackInstances", "CreateStackSet", "DeactivateOrganizationsAccess",
			"DeleteStackInstances", "DeleteStackSet", "DescribeOrganizationsAccess", "DescribeStackInstance", "DescribeStackSet",
			"DescribeStackSetOperation", "ImportStacksToStackSet", "ListStackInstanceResourceDrifts", "ListStackInstances",
			"ListStackSetAutoDeploymentTargets", "ListStackSetOperationResults", "ListStackSetOperations", "ListStackSets",
			"StopStackSetOperation", "UpdateStackInstances", "UpdateStackSet"),
		bus.Missing("no registry", "ActivateType", "BatchDescribeTypeConfigurations", "DeactivateType", "DeregisterType", "DescribePublisher",
			"DescribeType", "DescribeTypeRegistration", "ListTypeRegistrations", "ListTypeVersions", "ListTypes", "PublishType",
			"RegisterPublisher", "RegisterType", "SetTypeConfiguration", "SetTypeDefaultVersion", "TestType"),
		bus.Missing("no IaC generator", "CreateGeneratedTemplate", "DeleteGeneratedTemplate", "DescribeGeneratedTemplate", "DescribeResourceScan",
			"GetGeneratedTemplate", "ListGeneratedTemplates", "ListResourceScanRelatedResources", "ListResourceScanResources",
			"ListResourceScans", "StartResourceScan", "UpdateGeneratedTemplate"),
	)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "cloudformation", Model: api.Model, Operations: rows}
}
