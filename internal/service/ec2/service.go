package ec2

import (
	"context"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
}

// Service is the network family of EC2.
type Service struct {
	Deps
	vpcs       kind[vpc]
	subnets    kind[api.Subnet]
	gateways   kind[api.InternetGateway]
	nats       kind[api.NatGateway]
	addresses  kind[address]
	tables     kind[api.RouteTable]
	groups     kind[group]
	endpoints  kind[api.VpcEndpoint]
	acls       kind[api.NetworkAcl]
	options    kind[api.DhcpOptions]
	interfaces kind[api.NetworkInterface]
}

// New returns the service.
func New(d Deps) *Service {
	return &Service{
		Deps: d, vpcs: vpcKind, subnets: subnetKind, gateways: gatewayKind, nats: natKind, addresses: addressKind, tables: tableKind,
		groups: groupKind, endpoints: endpointKind, acls: aclKind, options: optionsKind, interfaces: interfaceKind,
	}
}

// newID makes an id: the kind's prefix and 17 hexadecimal digits.
func (s *Service) newID(prefix string) *string { return new(prefix + s.IDs.Hex(9)[1:]) }

// update runs f in a transaction as the caller.
func (s *Service) update(ctx context.Context, f func(tx *store.Tx, c bus.Caller) error) error {
	c := bus.From(ctx)
	return s.Store.Update(ctx, func(tx *store.Tx) error { return f(tx, c) })
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(b *bool) bool { return b != nil && *b }
