package logs

import (
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	rows := []bus.Operation{
		bus.Op("CreateLogGroup", s.createLogGroup),
		bus.Op("CreateLogStream", s.createLogStream),
		bus.Op("DeleteLogGroup", s.deleteLogGroup),
		bus.Op("DeleteLogStream", s.deleteLogStream),
		bus.Op("DeleteRetentionPolicy", s.deleteRetentionPolicy),
		bus.PartialOp("DescribeLogGroups", "of the caller's account only", s.describeLogGroups),
		bus.Op("DescribeLogStreams", s.describeLogStreams),
		bus.PartialOp("FilterLogEvents", "no patterns of space-delimited fields", s.filterLogEvents),
		bus.Op("GetLogEvents", s.getLogEvents),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("ListTagsLogGroup", s.listTagsLogGroup),
		bus.PartialOp("PutLogEvents", "entities are not kept", s.putLogEvents),
		bus.PartialOp("PutRetentionPolicy", "expired events are not shown; their room is not freed", s.putRetentionPolicy),
		bus.Op("TagLogGroup", s.tagLogGroup),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagLogGroup", s.untagLogGroup),
		bus.Op("UntagResource", s.untagResource),
	}
	for _, o := range logs.Model.Operations {
		if !o.Modelled {
			rows = append(rows, bus.Missing("only groups, streams and their events are there", o.Name)...)
		}
	}
	return &bus.Service{Name: "logs", Model: logs.Model, Operations: rows}
}
