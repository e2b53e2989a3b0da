package logs

import (
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	rows := []bus.Operation{
		bus.PartialOp("AssociateKmsKey", "of log groups; kept, not acted on", s.associateKmsKey),
		bus.Op("CreateLogGroup", s.createLogGroup),
		bus.Op("CreateLogStream", s.createLogStream),
		bus.Op("DeleteLogGroup", s.deleteLogGroup),
		bus.Op("DeleteLogStream", s.deleteLogStream),
		bus.Op("DeleteMetricFilter", s.deleteMetricFilter),
		bus.Op("DeleteResourcePolicy", s.deleteResourcePolicy),
		bus.Op("DeleteRetentionPolicy", s.deleteRetentionPolicy),
		bus.Op("DeleteSubscriptionFilter", s.deleteSubscriptionFilter),
		bus.PartialOp("DescribeLogGroups", "of the caller's account only", s.describeLogGroups),
		bus.Op("DescribeLogStreams", s.describeLogStreams),
		bus.Op("DescribeMetricFilters", s.describeMetricFilters),
		bus.PartialOp("DescribeResourcePolicies", "on one page: there are ten at most", s.describeResourcePolicies),
		bus.Op("DescribeSubscriptionFilters", s.describeSubscriptionFilters),
		bus.PartialOp("DisassociateKmsKey", "of log groups", s.disassociateKmsKey),
		bus.PartialOp("FilterLogEvents", "no patterns of space-delimited fields", s.filterLogEvents),
		bus.Op("GetLogEvents", s.getLogEvents),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("ListTagsLogGroup", s.listTagsLogGroup),
		bus.PartialOp("PutLogEvents", "entities are not kept", s.putLogEvents),
		bus.PartialOp("PutMetricFilter", "no patterns of space-delimited fields; a default value is given once for each PutLogEvents without a match", s.putMetricFilter),
		bus.PartialOp("PutResourcePolicy", "kept, not enforced", s.putResourcePolicy),
		bus.PartialOp("PutRetentionPolicy", "expired events are not shown; their room is not freed", s.putRetentionPolicy),
		bus.PartialOp("PutSubscriptionFilter", "of Lambda functions only", s.putSubscriptionFilter),
		bus.Op("TagLogGroup", s.tagLogGroup),
		bus.Op("TagResource", s.tagResource),
		bus.PartialOp("TestMetricFilter", "no patterns of space-delimited fields; no extracted values", s.testMetricFilter),
		bus.Op("UntagLogGroup", s.untagLogGroup),
		bus.Op("UntagResource", s.untagResource),
	}
	for _, o := range logs.Model.Operations {
		if !o.Modelled {
			rows = append(rows, bus.Missing("only groups, streams, events, filters and resource policies are there", o.Name)...)
		}
	}
	return &bus.Service{Name: "logs", Model: logs.Model, Operations: rows}
}
