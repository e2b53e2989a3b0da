package sns

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
)

// Table returns the service's operations.
func (s *Service) Table() *bus.Service {
	rows := slices.Concat([]bus.Operation{
		bus.PartialOp("AddPermission", "the policy is kept, not enforced", s.AddPermission),
		bus.Op("ConfirmSubscription", s.ConfirmSubscription),
		bus.PartialOp("CreateTopic", "no archive policy", s.CreateTopic),
		bus.Op("DeleteTopic", s.DeleteTopic),
		bus.Op("GetDataProtectionPolicy", s.GetDataProtectionPolicy),
		bus.Op("GetSubscriptionAttributes", s.GetSubscriptionAttributes),
		bus.Op("GetTopicAttributes", s.GetTopicAttributes),
		bus.Op("ListSubscriptions", s.ListSubscriptions),
		bus.Op("ListSubscriptionsByTopic", s.ListSubscriptionsByTopic),
		bus.Op("ListTagsForResource", s.ListTagsForResource),
		bus.Op("ListTopics", s.ListTopics),
		bus.PartialOp("Publish", "to topics only: no SMS, no mobile push", s.Publish),
		bus.Op("PublishBatch", s.PublishBatch),
		bus.PartialOp("PutDataProtectionPolicy", "the policy is kept, not applied", s.PutDataProtectionPolicy),
		bus.Op("RemovePermission", s.RemovePermission),
		bus.PartialOp("SetSubscriptionAttributes", "no ReplayPolicy", s.SetSubscriptionAttributes),
		bus.PartialOp("SetTopicAttributes", "no ArchivePolicy", s.SetTopicAttributes),
		bus.PartialOp("Subscribe", "http, https, email, email-json, sqs, lambda", s.Subscribe),
		bus.Op("TagResource", s.TagResource),
		bus.PartialOp("Unsubscribe", "sends no UnsubscribeConfirmation", s.Unsubscribe),
		bus.Op("UntagResource", s.UntagResource),
	},
		bus.Missing("no mobile push",
			"CreatePlatformApplication", "CreatePlatformEndpoint", "DeleteEndpoint", "DeletePlatformApplication",
			"GetEndpointAttributes", "GetPlatformApplicationAttributes", "ListEndpointsByPlatformApplication",
			"ListPlatformApplications", "SetEndpointAttributes", "SetPlatformApplicationAttributes"),
		bus.Missing("no SMS",
			"CheckIfPhoneNumberIsOptedOut", "CreateSMSSandboxPhoneNumber", "DeleteSMSSandboxPhoneNumber", "GetSMSAttributes",
			"GetSMSSandboxAccountStatus", "ListOriginationNumbers", "ListPhoneNumbersOptedOut", "ListSMSSandboxPhoneNumbers",
			"OptInPhoneNumber", "SetSMSAttributes", "VerifySMSSandboxPhoneNumber"),
	)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "sns", Model: api.Model, Operations: rows}
}
