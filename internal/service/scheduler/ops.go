package scheduler

import (
	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const targets = "targets of Lambda, Step Functions, SQS, SNS, EventBridge, and universal targets; no role is assumed"
	return &bus.Service{Name: "scheduler", Model: api.Model, Operations: []bus.Operation{
		bus.PartialOp("CreateSchedule", targets, s.createSchedule),
		bus.Op("CreateScheduleGroup", s.createScheduleGroup),
		bus.Op("DeleteSchedule", s.deleteSchedule),
		bus.Op("DeleteScheduleGroup", s.deleteScheduleGroup),
		bus.Op("GetSchedule", s.getSchedule),
		bus.Op("GetScheduleGroup", s.getScheduleGroup),
		bus.Op("ListScheduleGroups", s.listScheduleGroups),
		bus.Op("ListSchedules", s.listSchedules),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagResource", s.untagResource),
		bus.PartialOp("UpdateSchedule", targets, s.updateSchedule),
	}}
}
