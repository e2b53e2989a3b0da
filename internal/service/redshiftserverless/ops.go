package redshiftserverless

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/bus"
)

// Table returns the service's operations.
func (s *Service) Table() *bus.Service {
	rows := slices.Concat([]bus.Operation{
		bus.Op("CreateNamespace", s.CreateNamespace),
		bus.PartialOp("CreateWorkgroup", "capacities, networks and parameters are kept and have no effect; the endpoint is the server's", s.CreateWorkgroup),
		bus.PartialOp("DeleteNamespace", "no final snapshot", s.DeleteNamespace),
		bus.Op("DeleteWorkgroup", s.DeleteWorkgroup),
		bus.PartialOp("GetCredentials", "no custom domains", s.GetCredentials),
		bus.Op("GetNamespace", s.GetNamespace),
		bus.Op("GetWorkgroup", s.GetWorkgroup),
		bus.Op("ListNamespaces", s.ListNamespaces),
		bus.Op("ListTagsForResource", s.ListTagsForResource),
		bus.PartialOp("ListWorkgroups", "of the caller's account", s.ListWorkgroups),
		bus.Op("TagResource", s.TagResource),
		bus.Op("UntagResource", s.UntagResource),
		bus.Op("UpdateNamespace", s.UpdateNamespace),
		bus.PartialOp("UpdateWorkgroup", "capacities, networks and parameters are kept and have no effect", s.UpdateWorkgroup),
	},
		bus.Missing("no custom domains",
			"CreateCustomDomainAssociation", "DeleteCustomDomainAssociation", "GetCustomDomainAssociation", "ListCustomDomainAssociations",
			"UpdateCustomDomainAssociation"),
		bus.Missing("no managed VPC endpoints",
			"CreateEndpointAccess", "DeleteEndpointAccess", "GetEndpointAccess", "ListEndpointAccess", "UpdateEndpointAccess"),
		bus.Missing("no resource policies",
			"DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"),
		bus.Missing("no scheduled actions",
			"CreateScheduledAction", "DeleteScheduledAction", "GetScheduledAction", "ListScheduledActions", "UpdateScheduledAction"),
		bus.Missing("no snapshots",
			"ConvertRecoveryPointToSnapshot", "CreateSnapshot", "CreateSnapshotCopyConfiguration", "DeleteSnapshot", "DeleteSnapshotCopyConfiguration",
			"GetRecoveryPoint", "GetSnapshot", "GetTableRestoreStatus", "ListRecoveryPoints", "ListSnapshotCopyConfigurations", "ListSnapshots",
			"ListTableRestoreStatus", "RestoreFromRecoveryPoint", "RestoreFromSnapshot", "RestoreTableFromRecoveryPoint", "RestoreTableFromSnapshot",
			"UpdateSnapshot", "UpdateSnapshotCopyConfiguration"),
		bus.Missing("no usage limits",
			"CreateUsageLimit", "DeleteUsageLimit", "GetUsageLimit", "ListUsageLimits", "UpdateUsageLimit"),
	)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "redshift-serverless", Model: api.Model, Operations: rows}
}
