package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	eventsapi "stepwell/internal/awsapi/events"
	api "stepwell/internal/awsapi/lambda"
	sqsapi "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// States of an event source mapping. Those that AWS shows while it works are
// answered by the operation that begins the work, which here is done by then.
const (
	mappingEnabled  = "Enabled"
	mappingDisabled = "Disabled"
)

// maxFilters is how many filters an event source mapping can have (Lambda quotas).
const maxFilters = 5

// mapping is an event source mapping from a queue to a function.
type mapping = api.EventSourceMappingConfiguration

func (s *Service) createEventSourceMapping(ctx context.Context, r *api.CreateEventSourceMappingInput) (*api.CreateEventSourceMappingOutput, error) {
	if err := checkSource(r); err != nil {
		return nil, err
	}
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	m := mapping{
		UUID: new(s.IDs.UUID()), EventSourceArn: r.EventSourceArn, FunctionArn: new(to.arn()), State: new(mappingEnabled),
		BatchSize: new(int64(10)), MaximumBatchingWindowInSeconds: new(int64(0)), FilterCriteria: r.FilterCriteria,
		FunctionResponseTypes: r.FunctionResponseTypes, ScalingConfig: r.ScalingConfig, StateTransitionReason: new("USER_INITIATED"),
	}
	prefer(&m.BatchSize, r.BatchSize)
	prefer(&m.MaximumBatchingWindowInSeconds, r.MaximumBatchingWindowInSeconds)
	if r.Enabled != nil && !*r.Enabled {
		m.State = new(mappingDisabled)
	}
	if err := s.keepMapping(ctx, to, &m, true); err != nil {
		return nil, err
	}
	m.State = new("Creating")
	return (*api.CreateEventSourceMappingOutput)(&m), nil
}

// checkSource refuses sources that are not queues, and what queues do not have.
func checkSource(r *api.CreateEventSourceMappingInput) error {
	switch {
	case r.SelfManagedEventSource != nil:
		return notImplemented("event source mappings of self-managed Apache Kafka")
	case value(r.EventSourceArn) == "":
		return invalid("Event source ARN is required.")
	}
	a, ok := bus.ParseARN(*r.EventSourceArn)
	switch {
	case !ok:
		return invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs.")
	case a.Service != "sqs":
		return notImplemented("event source mappings of %s", a.Service)
	case r.StartingPosition != nil:
		return invalid("StartingPosition is not valid for SQS event sources.")
	}
	for name, given := range map[string]bool{
		"ParallelizationFactor": r.ParallelizationFactor != nil, "MaximumRecordAgeInSeconds": r.MaximumRecordAgeInSeconds != nil,
		"BisectBatchOnFunctionError": r.BisectBatchOnFunctionError != nil, "MaximumRetryAttempts": r.MaximumRetryAttempts != nil,
		"TumblingWindowInSeconds": r.TumblingWindowInSeconds != nil, "DestinationConfig": r.DestinationConfig != nil,
		"Topics": len(r.Topics) > 0, "Queues": len(r.Queues) > 0,
	} {
		if given {
			return invalid("%s is not valid for SQS event sources.", name)
		}
	}
	return nil
}

// keepMapping checks a mapping to the function, writes it and polls accordingly.
func (s *Service) keepMapping(ctx context.Context, to ref, m *mapping, isNew bool) error {
	if err := checkBatch(m); err != nil {
		return err
	}
	if err := s.checkFilters(ctx, m.FilterCriteria); err != nil {
		return err
	}
	visibility, err := s.visibility(ctx, m)
	if err != nil {
		return err
	}
	m.LastModified = new(s.Clock.Now().Truncate(time.Millisecond))
	s.pollers.change.Lock()
	defer s.pollers.change.Unlock()
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		f, err := find(tx, to, nil)
		if err != nil {
			return err
		}
		if timeout := time.Duration(*f.Config.Timeout) * time.Second; timeout > visibility {
			return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility/time.Second, timeout/time.Second)
		}
		others, err := mappings.List(tx, to.key()...)
		if err != nil {
			return err
		}
		for _, o := range others {
			if *o.UUID != *m.UUID && *o.EventSourceArn == *m.EventSourceArn && *o.FunctionArn == *m.FunctionArn {
				return user(api.ResourceConflictException(`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`,
					*m.EventSourceArn, to.Name, *o.UUID))
			}
		}
		if _, there, err := mappings.Get(tx, to.key(*m.UUID)...); err != nil || !there && !isNew {
			return cmp.Or[error](err, mappingNotFound())
		}
		return mappings.Put(tx, *m, to.key(*m.UUID)...)
	})
	if err == nil {
		s.poll(to.scope, *m)
	}
	return err
}

// checkBatch holds the sizes of batches to what queues of the kind allow.
func checkBatch(m *mapping) error {
	fifo := strings.HasSuffix(*m.EventSourceArn, ".fifo")
	switch {
	case fifo && *m.BatchSize > 10:
		return invalid("Invalid request provided: Batch size for FIFO queues must not exceed 10.")
	case fifo && *m.MaximumBatchingWindowInSeconds > 0:
		return invalid("Batching window is not supported for FIFO queues.")
	case *m.BatchSize > 10 && *m.MaximumBatchingWindowInSeconds == 0:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	}
	return nil
}

// checkFilters refuses patterns that EventBridge cannot read.
func (s *Service) checkFilters(ctx context.Context, c *api.FilterCriteria) error {
	if c == nil {
		return nil
	}
	if len(c.Filters) > maxFilters {
		return invalid("Number of filters exceeds the maximum of %d.", maxFilters)
	}
	for _, f := range c.Filters {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(value(f.Pattern)), &object) != nil {
			return invalid("Invalid filter pattern definition.")
		}
		_, err := s.matches(ctx, *f.Pattern, sqsapi.Message{Body: new("{}")})
		if known := awserr.From(err); known != nil && known.Code == "InvalidEventPatternException" {
			return invalid("Invalid filter pattern definition.")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// matches asks EventBridge, whose patterns filters are, whether a message fits.
// Of a message a filter sees its body: JSON objects as such, all else as text
// (developer guide, "Using event filtering with an Amazon SQS event source").
func (s *Service) matches(ctx context.Context, pattern string, m sqsapi.Message) (bool, error) {
	body := json.RawMessage(value(m.Body))
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		body, _ = json.Marshal(value(m.Body)) // cannot fail: a string
	}
	event, err := json.Marshal(map[string]any{
		"id": "", "account": "", "source": "", "time": "", "region": "", "resources": []string{}, "detail-type": "", "body": body,
	})
	if err != nil {
		return false, err
	}
	out, err := bus.Invoke[eventsapi.TestEventPatternOutput](ctx, s.Bus, "events", "TestEventPattern",
		&eventsapi.TestEventPatternInput{Event: new(string(event)), EventPattern: &pattern})
	if err != nil {
		return false, err
	}
	return value(out.Result), nil
}

// visibility is the visibility timeout of a mapping's queue.
func (s *Service) visibility(ctx context.Context, m *mapping) (time.Duration, error) {
	out, err := bus.Invoke[sqsapi.GetQueueAttributesOutput](ctx, s.Bus, "sqs", "GetQueueAttributes",
		&sqsapi.GetQueueAttributesInput{QueueUrl: new(queueURL(*m.EventSourceArn)), AttributeNames: []string{"VisibilityTimeout"}})
	if known := awserr.From(err); known != nil && known.HTTPStatus() < 500 {
		return 0, invalid("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", known.Code, known.Message)
	}
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.Atoi(out.Attributes["VisibilityTimeout"])
	return time.Duration(seconds) * time.Second, err
}

// queueURL is the URL of the queue with an ARN.
func queueURL(arn string) string {
	a, _ := bus.ParseARN(arn)
	return *notify.QueueURL(a)
}

func mappingNotFound() error {
	return user(api.ResourceNotFoundException("The resource you requested does not exist."))
}

func (s *Service) getEventSourceMapping(ctx context.Context, r *api.GetEventSourceMappingInput) (*api.GetEventSourceMappingOutput, error) {
	m, err := s.mapping(ctx, *r.UUID)
	return (*api.GetEventSourceMappingOutput)(&m), err
}

func (s *Service) mapping(ctx context.Context, id string) (m mapping, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var there bool
		if m, there, err = mappings.Get(tx, callerScope(ctx).key(id)...); err == nil && !there {
			err = mappingNotFound()
		}
		return err
	})
	return m, err
}

func callerScope(ctx context.Context) scope {
	c := bus.From(ctx)
	return scope{c.Account, c.Region}
}

func (s *Service) listEventSourceMappings(ctx context.Context, r *api.ListEventSourceMappingsInput) (*api.ListEventSourceMappingsOutput, error) {
	var wanted string
	if r.FunctionName != nil {
		to, err := refer(ctx, *r.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		wanted = to.arn()
	}
	var list []mapping
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = mappings.List(tx, callerScope(ctx).key()...)
		return err
	})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(m mapping) bool {
		return r.EventSourceArn != nil && *m.EventSourceArn != *r.EventSourceArn || wanted != "" && *m.FunctionArn != wanted
	})
	slices.SortFunc(list, func(a, b mapping) int { return cmp.Compare(*a.UUID, *b.UUID) })
	shown, next, err := paging.Cut(list, func(m *mapping) string { return *m.UUID }, r.Marker, min(paging.Size(r.MaxItems, 100), 100))
	return &api.ListEventSourceMappingsOutput{EventSourceMappings: shown, NextMarker: next}, asMarker(err)
}

func (s *Service) updateEventSourceMapping(ctx context.Context, r *api.UpdateEventSourceMappingInput) (*api.UpdateEventSourceMappingOutput, error) {
	m, err := s.mapping(ctx, *r.UUID)
	if err != nil {
		return nil, err
	}
	shown := "Updating"
	if r.Enabled != nil {
		switch enabled := *m.State == mappingEnabled; {
		case *r.Enabled && !enabled:
			m.State, shown = new(mappingEnabled), "Enabling"
		case !*r.Enabled && enabled:
			m.State, shown = new(mappingDisabled), "Disabling"
		}
	}
	prefer(&m.FunctionArn, r.FunctionName)
	to, err := refer(ctx, *m.FunctionArn, nil)
	if err != nil {
		return nil, err
	}
	m.FunctionArn = new(to.arn())
	prefer(&m.BatchSize, r.BatchSize)
	prefer(&m.MaximumBatchingWindowInSeconds, r.MaximumBatchingWindowInSeconds)
	prefer(&m.FilterCriteria, r.FilterCriteria)
	prefer(&m.ScalingConfig, r.ScalingConfig)
	if r.FunctionResponseTypes != nil {
		m.FunctionResponseTypes = r.FunctionResponseTypes
	}
	if err := s.keepMapping(ctx, to, &m, false); err != nil {
		return nil, err
	}
	m.State = &shown
	return (*api.UpdateEventSourceMappingOutput)(&m), nil
}

func (s *Service) deleteEventSourceMapping(ctx context.Context, r *api.DeleteEventSourceMappingInput) (*api.DeleteEventSourceMappingOutput, error) {
	m, err := s.mapping(ctx, *r.UUID)
	if err != nil {
		return nil, err
	}
	s.pollers.change.Lock()
	defer s.pollers.change.Unlock()
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if there, err := mappings.Delete(tx, callerScope(ctx).key(*r.UUID)...); err != nil || !there {
			return cmp.Or[error](err, mappingNotFound())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.pollers.stop(*r.UUID)
	m.State = new("Deleting")
	return (*api.DeleteEventSourceMappingOutput)(&m), nil
}
