package sts

import (
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	rows := []bus.Operation{
		bus.PartialOp("AssumeRole", "of a trust policy principals and external ids are looked at; session policies, tags and MFA are not; a role need not exist", s.assumeRole),
		bus.Op("GetAccessKeyInfo", s.getAccessKeyInfo),
		bus.Op("GetCallerIdentity", s.getCallerIdentity),
		bus.PartialOp("GetFederationToken", "session policies are not looked at", s.getFederationToken),
		bus.PartialOp("GetSessionToken", "MFA is not looked at", s.getSessionToken),
	}
	rows = append(rows, bus.Missing("no identity provider is known", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity",
		"GetDelegatedAccessToken", "GetWebIdentityToken")...)
	rows = append(rows, bus.Missing("there are no organizations", "AssumeRoot")...)
	rows = append(rows, bus.Missing("no encoded messages are issued", "DecodeAuthorizationMessage")...)
	return &bus.Service{Name: "sts", Model: sts.Model, Operations: rows}
}
