package secretsmanager

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
)

// Table returns the service's operations.
func (s *Service) Table() *bus.Service {
	rows := slices.Concat([]bus.Operation{
		bus.Op("BatchGetSecretValue", s.BatchGetSecretValue),
		bus.Op("CancelRotateSecret", s.CancelRotateSecret),
		bus.PartialOp("CreateSecret", "replicas in other regions are refused", s.CreateSecret),
		bus.Op("DeleteResourcePolicy", s.DeleteResourcePolicy),
		bus.Op("DeleteSecret", s.DeleteSecret),
		bus.Op("DescribeSecret", s.DescribeSecret),
		bus.Op("GetRandomPassword", s.GetRandomPassword),
		bus.Op("GetResourcePolicy", s.GetResourcePolicy),
		bus.Op("GetSecretValue", s.GetSecretValue),
		bus.Op("ListSecretVersionIds", s.ListSecretVersionIds),
		bus.Op("ListSecrets", s.ListSecrets),
		bus.PartialOp("PutResourcePolicy", "the policy is kept, not enforced", s.PutResourcePolicy),
		bus.Op("PutSecretValue", s.PutSecretValue),
		bus.Op("RestoreSecret", s.RestoreSecret),
		bus.PartialOp("RotateSecret", "by a Lambda function; the rotation window (Duration) is kept, rotations begin when they are due; no external secrets", s.RotateSecret),
		bus.Op("TagResource", s.TagResource),
		bus.Op("UntagResource", s.UntagResource),
		bus.Op("UpdateSecret", s.UpdateSecret),
		bus.Op("UpdateSecretVersionStage", s.UpdateSecretVersionStage),
		bus.PartialOp("ValidateResourcePolicy", "checks syntax and public access only", s.ValidateResourcePolicy),
	},
		bus.Missing("secrets are not replicated to other regions",
			"RemoveRegionsFromReplication", "ReplicateSecretToRegions", "StopReplicationToReplica"),
	)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "secretsmanager", Model: api.Model, Operations: rows}
}
