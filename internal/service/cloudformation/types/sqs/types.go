// Package sqstype holds the resource types AWS::SQS::*.
//
// Only package types imports it.
package sqstype

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of SQS.
func Types() []resource.Type {
	return []resource.Type{queue(), queuePolicy(), inlinePolicy()}
}

// isGone says whether an error is SQS's for a queue that is not there.
func isGone(err error) bool {
	return resource.Is(err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
}

// invoke calls an operation of SQS.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "sqs", operation, in)
}

// do calls an operation of SQS whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "sqs", operation, in)
	return err
}

// changeable are the properties that are attributes, with what a queue has whose
// template says nothing ("" takes the service's default).
func changeable() map[string]any {
	return map[string]any{"DelaySeconds": "0", "KmsDataKeyReusePeriodSeconds": "300", "KmsMasterKeyId": "", "MaximumMessageSize": "1048576",
		"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "RedriveAllowPolicy": "", "RedrivePolicy": "",
		"SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
		"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
}

func queue() resource.Type {
	return resource.Type{
		Name:        "AWS::SQS::Queue",
		Optional:    append(slices.Sorted(maps.Keys(changeable())), "FifoQueue", "QueueName", "Tags"),
		Attributes:  []string{"Arn", "QueueName", "QueueUrl"},
		Replacement: []string{"FifoQueue", "QueueName"},
		Create:      createQueue, Update: updateQueue,
		Delete: func(ctx context.Context, r *resource.Request) error {
			if err := do(ctx, r, "DeleteQueue", &sqs.DeleteQueueInput{QueueUrl: &r.ID}); !isGone(err) {
				return err
			}
			return nil
		},
	}
}

// texts are properties as attributes; objects are JSON there.
func texts(properties map[string]any) (map[string]string, error) {
	in := struct{ Attributes map[string]string }{}
	err := resource.Decode(map[string]any{"Attributes": properties}, &in, nil)
	return in.Attributes, err
}

func createQueue(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	fifo := strings.EqualFold(r.Text("FifoQueue"), "true")
	name := r.Name("QueueName", 80)
	if fifo && r.Text("QueueName") == "" {
		name = r.Name("QueueName", 80-len(".fifo")) + ".fifo"
	}
	if !r.Again {
		if err := do(ctx, r, "GetQueueUrl", &sqs.GetQueueUrlInput{QueueName: &name}); !isGone(err) {
			if err != nil {
				return nil, err
			}
			return nil, resource.AlreadyExists("AWS::SQS::Queue", name)
		}
	}
	given, err := texts(r.Only(slices.Collect(maps.Keys(changeable()))...))
	if err != nil {
		return nil, err
	}
	if fifo {
		if given == nil {
			given = map[string]string{}
		}
		given["FifoQueue"] = "true"
	}
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: given}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	out, err := invoke[sqs.CreateQueueOutput](ctx, r, "CreateQueue", in)
	if err != nil {
		return nil, err
	}
	r.ID = *out.QueueUrl
	return made(ctx, r), nil
}

func made(ctx context.Context, r *resource.Request) *resource.Made {
	name := r.ID[strings.LastIndex(r.ID, "/")+1:]
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"QueueUrl": r.ID, "QueueName": name, "Arn": bus.From(ctx).ARN("sqs", name)}}
}

func updateQueue(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	changed := map[string]any{}
	for name, usual := range changeable() {
		if !r.Changed(name) {
			continue
		}
		if changed[name] = r.Properties[name]; changed[name] == nil {
			changed[name] = usual
		}
	}
	if len(changed) > 0 {
		in := &sqs.SetQueueAttributesInput{QueueUrl: &r.ID}
		var err error
		if in.Attributes, err = texts(changed); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "SetQueueAttributes", in); err != nil {
			return nil, err
		}
	}
	if err := r.Retag(ctx, "sqs", &sqs.TagQueueInput{QueueUrl: &r.ID}, &sqs.UntagQueueInput{QueueUrl: &r.ID}, nil); err != nil {
		return nil, err
	}
	return made(ctx, r), nil
}

// setPolicy sets a queue's access policy; none removes it.
func setPolicy(ctx context.Context, r *resource.Request, url string, document any) error {
	policy, err := texts(map[string]any{"Policy": document})
	if err != nil {
		return err
	}
	return do(ctx, r, "SetQueueAttributes", &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: policy})
}

func resetPolicy(ctx context.Context, r *resource.Request, url string) error {
	if err := setPolicy(ctx, r, url, ""); !isGone(err) {
		return err
	}
	return nil
}

// queuePolicy sets the access policy of any number of queues.
func queuePolicy() resource.Type {
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		id := r.Name("", 100)
		made := &resource.Made{ID: id, Attributes: map[string]any{"Id": id}}
		kept := map[string]bool{}
		for _, url := range resource.Texts(r.Properties["Queues"]) {
			kept[url] = true
			if err := setPolicy(ctx, r, url, r.Properties["PolicyDocument"]); err != nil {
				return made, err
			}
		}
		for _, url := range resource.Texts(r.Old["Queues"]) {
			if kept[url] {
				continue
			}
			if err := resetPolicy(ctx, r, url); err != nil {
				return made, err
			}
		}
		return made, nil
	}
	return resource.Type{
		Name:       "AWS::SQS::QueuePolicy",
		Required:   []string{"PolicyDocument", "Queues"},
		Attributes: []string{"Id"},
		Create:     set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error {
			for _, url := range resource.Texts(r.Properties["Queues"]) {
				if err := resetPolicy(ctx, r, url); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func inlinePolicy() resource.Type {
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		url := r.Text("Queue")
		if err := setPolicy(ctx, r, url, r.Properties["PolicyDocument"]); err != nil {
			return nil, err
		}
		return &resource.Made{ID: url}, nil
	}
	return resource.Type{
		Name:        "AWS::SQS::QueueInlinePolicy",
		Required:    []string{"PolicyDocument", "Queue"},
		Replacement: []string{"Queue"},
		Create:      set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error { return resetPolicy(ctx, r, r.Text("Queue")) },
	}
}
