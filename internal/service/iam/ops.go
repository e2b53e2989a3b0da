package iam

import (
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	rows := []bus.Operation{
		bus.PartialOp("AttachRolePolicy", "kept, not enforced", s.attachRolePolicy),
		bus.PartialOp("CreatePolicy", "kept, not enforced", s.createPolicy),
		bus.PartialOp("CreateRole", "kept, not enforced", s.createRole),
		bus.Op("DeletePolicy", s.deletePolicy),
		bus.Op("DeleteRole", s.deleteRole),
		bus.Op("DeleteRolePolicy", s.deleteRolePolicy),
		bus.Op("DetachRolePolicy", s.detachRolePolicy),
		bus.PartialOp("GetPolicy", "not of policies that AWS manages", s.getPolicy),
		bus.Op("GetRole", s.getRole),
		bus.Op("GetRolePolicy", s.getRolePolicy),
		bus.Op("ListAttachedRolePolicies", s.listAttachedRolePolicies),
		bus.PartialOp("ListPolicies", "not of policies that AWS manages; no use as a permissions boundary", s.listPolicies),
		bus.Op("ListRolePolicies", s.listRolePolicies),
		bus.Op("ListRoles", s.listRoles),
		bus.PartialOp("PutRolePolicy", "kept, not enforced", s.putRolePolicy),
	}
	for _, o := range iam.Model.Operations {
		if !o.Modelled {
			rows = append(rows, bus.Missing("only roles and their policies are there", o.Name)...)
		}
	}
	return &bus.Service{Name: "iam", Model: iam.Model, Operations: rows}
}
