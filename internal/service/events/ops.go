package events

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const oauth = "a connection for OAuth is taken as authorized; its token is asked for when it is first used"
	const targets = "SQS, SNS, Step Functions, Lambda, CloudWatch Logs, event buses, API destinations, Redshift clusters and workgroups"
	rows := []bus.Operation{
		bus.Op("CancelReplay", s.cancelReplay),
		bus.Op("CreateApiDestination", s.createApiDestination),
		bus.Op("CreateArchive", s.createArchive),
		bus.PartialOp("CreateConnection", oauth, s.createConnection),
		bus.PartialOp("CreateEventBus", "no partner event sources", s.createEventBus),
		bus.Op("DeauthorizeConnection", s.deauthorizeConnection),
		bus.Op("DeleteApiDestination", s.deleteApiDestination),
		bus.Op("DeleteArchive", s.deleteArchive),
		bus.Op("DeleteConnection", s.deleteConnection),
		bus.Op("DeleteEventBus", s.deleteEventBus),
		bus.Op("DeleteRule", s.deleteRule),
		bus.Op("DescribeApiDestination", s.describeApiDestination),
		bus.Op("DescribeArchive", s.describeArchive),
		bus.Op("DescribeConnection", s.describeConnection),
		bus.Op("DescribeEventBus", s.describeEventBus),
		bus.Op("DescribeReplay", s.describeReplay),
		bus.Op("DescribeRule", s.describeRule),
		bus.Op("DisableRule", s.disableRule),
		bus.Op("EnableRule", s.enableRule),
		bus.Op("ListApiDestinations", s.listApiDestinations),
		bus.Op("ListArchives", s.listArchives),
		bus.Op("ListConnections", s.listConnections),
		bus.Op("ListEventBuses", s.listEventBuses),
		bus.Op("ListReplays", s.listReplays),
		bus.Op("ListRuleNamesByTarget", s.listRuleNamesByTarget),
		bus.Op("ListRules", s.listRules),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("ListTargetsByRule", s.listTargetsByRule),
		bus.Op("PutEvents", s.putEvents),
		bus.PartialOp("PutPermission", "the policy is kept, not enforced", s.putPermission),
		bus.Op("PutRule", s.putRule),
		bus.PartialOp("PutTargets", targets, s.putTargets),
		bus.Op("RemovePermission", s.removePermission),
		bus.Op("RemoveTargets", s.removeTargets),
		bus.Op("StartReplay", s.startReplay),
		bus.Op("TagResource", s.tagResource),
		bus.Op("TestEventPattern", s.testEventPattern),
		bus.Op("UntagResource", s.untagResource),
		bus.Op("UpdateApiDestination", s.updateApiDestination),
		bus.Op("UpdateArchive", s.updateArchive),
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
