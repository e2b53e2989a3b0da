package sqs

import (
	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const kept = "the policy is kept, not enforced"
	return &bus.Service{Name: "sqs", Model: api.Model, Operations: []bus.Operation{
		bus.PartialOp("AddPermission", kept, s.addPermission),
		bus.Op("CancelMessageMoveTask", s.cancelMessageMoveTask),
		bus.Op("ChangeMessageVisibility", s.changeMessageVisibility),
		bus.Op("ChangeMessageVisibilityBatch", s.changeMessageVisibilityBatch),
		bus.PartialOp("CreateQueue", "policies and keys are kept, not acted on", s.createQueue),
		bus.Op("DeleteMessage", s.deleteMessage),
		bus.Op("DeleteMessageBatch", s.deleteMessageBatch),
		bus.Op("DeleteQueue", s.deleteQueue),
		bus.Op("GetQueueAttributes", s.getQueueAttributes),
		bus.Op("GetQueueUrl", s.getQueueURL),
		bus.Op("ListDeadLetterSourceQueues", s.listDeadLetterSourceQueues),
		bus.Op("ListMessageMoveTasks", s.listMessageMoveTasks),
		bus.Op("ListQueueTags", s.listQueueTags),
		bus.Op("ListQueues", s.listQueues),
		bus.Op("PurgeQueue", s.purgeQueue),
		bus.PartialOp("ReceiveMessage", "no ReceiveRequestAttemptId", s.receiveMessage),
		bus.PartialOp("RemovePermission", kept, s.removePermission),
		bus.Op("SendMessage", s.sendMessage),
		bus.Op("SendMessageBatch", s.sendMessageBatch),
		bus.PartialOp("SetQueueAttributes", "policies and keys are kept, not acted on", s.setQueueAttributes),
		bus.Op("StartMessageMoveTask", s.startMessageMoveTask),
		bus.Op("TagQueue", s.tagQueue),
		bus.Op("UntagQueue", s.untagQueue),
	}}
}
