package events

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const oauth = "a connection for OAuth is taken as authorized; its token is asked for when it is used"
	rows := []bus.Operation{
		bus.Op("CreateApiDestination", s.createApiDestination),
		bus.PartialOp("CreateConnection", oauth, s.createConnection),
		bus.Op("DeauthorizeConnection", s.deauthorizeConnection),
		bus.Op("DeleteApiDestination", s.deleteApiDestination),
		bus.Op("DeleteConnection", s.deleteConnection),
		bus.Op("DescribeApiDestination", s.describeApiDestination),
		bus.Op("DescribeConnection", s.describeConnection),
		bus.Op("ListApiDestinations", s.listApiDestinations),
		bus.Op("ListConnections", s.listConnections),
		bus.PartialOp("PutEvents", "the default bus only, which has no rules yet", s.putEvents),
		bus.Op("UpdateApiDestination", s.updateApiDestination),
		bus.PartialOp("UpdateConnection", oauth, s.updateConnection),
	}
	have := map[string]bool{}
	for _, r := range rows {
		have[r.Name] = true
	}
	var missing []string
	for i := range api.Model.Operations {
		if name := api.Model.Operations[i].Name; !have[name] {
			missing = append(missing, name)
		}
	}
	rows = append(rows, bus.Missing("", missing...)...)
	slices.SortStableFunc(rows, func(a, b bus.Operation) int {
		if (a.Handle == nil) != (b.Handle == nil) {
			if a.Handle == nil {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return &bus.Service{Name: "events", Model: api.Model, Operations: rows}
}
