package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// zone is an availability zone.
type zone struct{ name, id string }

// regionZones are the regions that every account has, with the prefix of the ids
// of their zones and the zones' letters ("Regions and Zones" of the EC2 guide).
var regionZones = []struct{ region, prefix, letters string }{
	{"ap-northeast-1", "apne1", "acd"}, {"ap-northeast-2", "apne2", "abcd"}, {"ap-northeast-3", "apne3", "abc"}, {"ap-south-1", "aps1", "abc"},
	{"ap-southeast-1", "apse1", "abc"}, {"ap-southeast-2", "apse2", "abc"}, {"ca-central-1", "cac1", "abd"}, {"eu-central-1", "euc1", "abc"},
	{"eu-north-1", "eun1", "abc"}, {"eu-west-1", "euw1", "abc"}, {"eu-west-2", "euw2", "abc"}, {"eu-west-3", "euw3", "abc"}, {"sa-east-1", "sae1", "abc"},
	{"us-east-1", "use1", "abcdef"}, {"us-east-2", "use2", "abc"}, {"us-west-1", "usw1", "ac"}, {"us-west-2", "usw2", "abcd"},
}

// zones are the zones of a region; one that is not among the regions above has
// three.
func zones(region string) (all []zone) {
	prefix, letters := strings.ReplaceAll(region, "-", ""), "abc"
	for _, r := range regionZones {
		if r.region == region {
			prefix, letters = r.prefix, r.letters
		}
	}
	for i := range letters {
		all = append(all, zone{region + letters[i:i+1], prefix + "-az" + string(rune('1'+i))})
	}
	return all
}

// findZone finds a zone by name or id; without either it is the first.
func findZone(region string, name, id *string) (zone, error) {
	all := zones(region)
	if name == nil && id == nil {
		return all[0], nil
	}
	for _, z := range all {
		if (name == nil || *name == z.name) && (id == nil || *id == z.id) {
			return z, nil
		}
	}
	var names []string
	for _, z := range all {
		names = append(names, z.name)
	}
	if name != nil {
		return zone{}, invalid("Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.",
			*name, strings.Join(names, ", "))
	}
	return zone{}, invalid("Value (%s) for parameter availabilityZoneId is invalid.", *id)
}

func (s *Service) describeZones(ctx context.Context, in *api.DescribeAvailabilityZonesInput) (*api.DescribeAvailabilityZonesOutput, error) {
	c := bus.From(ctx)
	var all []api.AvailabilityZone
	for _, z := range zones(c.Region) {
		all = append(all, api.AvailabilityZone{State: new("available"), OptInStatus: new("opt-in-not-required"), Messages: []api.AvailabilityZoneMessage{},
			RegionName: &c.Region, ZoneName: &z.name, ZoneId: &z.id, GroupName: new(c.Region), NetworkBorderGroup: &c.Region, ZoneType: new("availability-zone")})
	}
	if c.Region == "us-east-1" {
		for i := range all {
			all[i].GroupName = new("us-east-1-zg-1")
		}
	}
	for _, want := range slices.Concat(in.ZoneNames, in.ZoneIds) {
		if !slices.ContainsFunc(all, func(z api.AvailabilityZone) bool { return *z.ZoneName == want || *z.ZoneId == want }) {
			return nil, awserr.New(400, "InvalidParameterValue", "Invalid availability zone: [%s]", want)
		}
	}
	if asked := slices.Concat(in.ZoneNames, in.ZoneIds); len(asked) > 0 {
		all = slices.DeleteFunc(all, func(z api.AvailabilityZone) bool {
			return !slices.Contains(asked, *z.ZoneName) && !slices.Contains(asked, *z.ZoneId)
		})
	}
	described := kind[api.AvailabilityZone]{tags: func(*api.AvailabilityZone) *[]api.Tag { return new([]api.Tag) }, filters: map[string]func(*api.AvailabilityZone) []string{
		"zone-name": func(z *api.AvailabilityZone) []string { return one(z.ZoneName) }, "zone-id": func(z *api.AvailabilityZone) []string { return one(z.ZoneId) },
		"region-name": func(z *api.AvailabilityZone) []string { return one(z.RegionName) }, "state": func(z *api.AvailabilityZone) []string { return one(z.State) },
		"zone-type": func(z *api.AvailabilityZone) []string { return one(z.ZoneType) }, "opt-in-status": func(z *api.AvailabilityZone) []string { return one(z.OptInStatus) },
		"group-name": func(z *api.AvailabilityZone) []string { return one(z.GroupName) },
	}}
	for _, f := range in.Filters {
		has, err := described.filter(c, text(f.Name))
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(z api.AvailabilityZone) bool { return !matches(has(&z), f.Values) })
	}
	return &api.DescribeAvailabilityZonesOutput{AvailabilityZones: append([]api.AvailabilityZone{}, all...)}, nil
}

func (s *Service) describeRegions(ctx context.Context, in *api.DescribeRegionsInput) (*api.DescribeRegionsOutput, error) {
	out := &api.DescribeRegionsOutput{Regions: []api.Region{}}
	described := kind[api.Region]{tags: func(*api.Region) *[]api.Tag { return new([]api.Tag) }, filters: map[string]func(*api.Region) []string{
		"region-name": func(r *api.Region) []string { return one(r.RegionName) }, "endpoint": func(r *api.Region) []string { return one(r.Endpoint) },
		"opt-in-status": func(r *api.Region) []string { return one(r.OptInStatus) },
	}}
	for _, name := range in.RegionNames {
		if !slices.ContainsFunc(regionZones, func(r struct{ region, prefix, letters string }) bool { return r.region == name }) {
			return nil, awserr.New(400, "InvalidParameterValue", "Invalid region found in region name list: %s", name)
		}
	}
	for _, r := range regionZones {
		shown := api.Region{RegionName: &r.region, Endpoint: new("ec2." + r.region + ".amazonaws.com"), OptInStatus: new("opt-in-not-required")}
		wanted := len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, r.region)
		for _, f := range in.Filters {
			has, err := described.filter(bus.From(ctx), text(f.Name))
			if err != nil {
				return nil, err
			}
			wanted = wanted && matches(has(&shown), f.Values)
		}
		if wanted {
			out.Regions = append(out.Regions, shown)
		}
	}
	return out, nil
}

func (s *Service) describeAccountAttributes(ctx context.Context, in *api.DescribeAccountAttributesInput) (*api.DescribeAccountAttributesOutput, error) {
	defaultVpc := "none"
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		id, err := s.vpcOrDefault(tx, bus.From(ctx), nil)
		if err == nil {
			defaultVpc = id
		}
		if awserr.From(err) != nil {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeAccountAttributesOutput{AccountAttributes: []api.AccountAttribute{}}
	for _, a := range []struct{ name, value string }{
		{"supported-platforms", "VPC"}, {"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", "5"}, {"max-instances", "20"},
		{"vpc-max-elastic-ips", "5"}, {"default-vpc", defaultVpc},
	} {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a.name) {
			out.AccountAttributes = append(out.AccountAttributes, api.AccountAttribute{AttributeName: &a.name, AttributeValues: []api.AccountAttributeValue{{AttributeValue: &a.value}}})
		}
	}
	return out, nil
}

// prepare makes the default VPC of an account in a region, once.
func (s *Service) prepare(ctx context.Context) error {
	c, there := bus.From(ctx), false
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		_, there, err = regions.Get(tx, c.Account, c.Region)
		return err
	})
	if err != nil || there {
		return err
	}
	return s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		if _, there, err := regions.Get(tx, c.Account, c.Region); err != nil || there {
			return err
		}
		if _, err := s.makeDefault(tx, c); err != nil {
			return err
		}
		return regions.Put(tx, regionRecord{Made: s.Clock.Now()}, c.Account, c.Region)
	})
}

// makeDefault makes a default VPC: 172.31.0.0/16 with a subnet in each zone and
// a way to the internet.
func (s *Service) makeDefault(tx *store.Tx, c bus.Caller) (vpc, error) {
	v, err := s.makeVpc(tx, c, "172.31.0.0/16", "default", nil, true)
	if err != nil {
		return v, err
	}
	for i, z := range zones(c.Region) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(16 * i), 0}), 20)
		if _, err := s.makeSubnet(tx, c, *v.VpcId, p, z, nil, true); err != nil {
			return v, err
		}
	}
	g := api.InternetGateway{InternetGatewayId: s.newID("igw-"), OwnerId: &c.Account, Attachments: []api.InternetGatewayAttachment{{VpcId: v.VpcId, State: new("available")}}}
	if err := s.gateways.put(tx, c, g); err != nil {
		return v, err
	}
	tables, err := s.tables.list(tx, c, func(t *api.RouteTable) bool { return *t.VpcId == *v.VpcId })
	for _, t := range tables {
		t.Routes = append(t.Routes, api.Route{DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: g.InternetGatewayId, Origin: new("CreateRoute"), State: new("active")})
		if err := s.tables.put(tx, c, t); err != nil {
			return v, err
		}
	}
	return v, err
}
