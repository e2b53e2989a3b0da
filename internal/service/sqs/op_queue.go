package sqs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// nameHeld is how long the name of a deleted queue, or a purge, is in the way.
const nameHeld = time.Minute

func (s *Service) createQueue(ctx context.Context, in *api.CreateQueueInput) (*api.CreateQueueOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	name := *in.QueueName
	r := record{ID: s.IDs.Hex(8), ARN: c.ARN("sqs", name), Name: name, Account: c.Account, Region: c.Region,
		FIFO: in.Attributes["FifoQueue"] == "true", Created: now, Modified: now, Tags: in.Tags}
	if err := goodName(name, r.FIFO); err != nil {
		return nil, err
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := s.check(&r, name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	if err := checkThroughput(&r, in.Attributes); err != nil {
		return nil, err
	}
	if old, err := s.byARN(r.ARN); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		shown := old.shown(now)
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if shown[name] != in.Attributes[name] {
				return nil, api.QueueNameExists("A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return &api.CreateQueueOutput{QueueUrl: new(s.url(&old.record))}, nil
	}
	r.set(in.Attributes)
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := queues.Get(tx, r.Account, r.Region, r.Name); err != nil || ok {
			if err == nil {
				err = api.QueueNameExists("A queue already exists with the same name")
			}
			return err
		}
		old, ok, err := deleted.Get(tx, r.Account, r.Region, r.Name)
		if err != nil {
			return err
		}
		if ok && now.Sub(old.At) < nameHeld {
			return api.QueueDeletedRecently("You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		}
		if _, err := deleted.Delete(tx, r.Account, r.Region, r.Name); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.queues[r.ARN] = newQueue(r)
		})
		return r.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateQueueOutput{QueueUrl: new(s.url(&r))}, nil
}

func goodName(name string, fifo bool) error {
	if strings.HasSuffix(name, ".fifo") && fifo {
		if !fifoName.MatchString(name) {
			return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
		}
		return nil
	}
	if fifo {
		return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	if !plainName.MatchString(name) {
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// checkThroughput refuses the throughput per group without deduplication per group.
func checkThroughput(r *record, set map[string]string) error {
	get := func(name string) string {
		if v, ok := set[name]; ok {
			return v
		}
		return r.word(name)
	}
	if r.FIFO && get("FifoThroughputLimit") == "perMessageGroupId" && get("DeduplicationScope") != "messageGroup" {
		return api.InvalidAttributeValue("The FifoThroughputLimit attribute can be set to perMessageGroupId only when the DeduplicationScope attribute is set to messageGroup.")
	}
	return nil
}

// set takes attributes; an empty policy removes it.
func (r *record) set(attributes map[string]string) {
	r.Attributes = maps.Clone(r.Attributes)
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	for name, value := range attributes {
		switch {
		case name == "FifoQueue":
		case value == "":
			delete(r.Attributes, name)
		default:
			r.Attributes[name] = value
		}
	}
}

// change runs f on a copy of the queue's record and keeps it.
func (s *Service) change(ctx context.Context, url string, f func(*record) error) error {
	q, err := s.find(ctx, url)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		r, ok, err := queues.Get(tx, q.Account, q.Region, q.Name)
		if err != nil {
			return err
		}
		if !ok {
			return noQueue()
		}
		if err := f(&r); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			q.Attributes, q.Tags, q.Modified = r.Attributes, r.Tags, r.Modified
		})
		return r.put(tx)
	})
}

func (s *Service) setQueueAttributes(ctx context.Context, in *api.SetQueueAttributesInput) (*api.SetQueueAttributesOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	r := &record{ARN: q.ARN, Account: q.Account, Region: q.Region, FIFO: q.FIFO}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := s.check(r, name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	return &api.SetQueueAttributesOutput{}, s.change(ctx, *in.QueueUrl, func(r *record) error {
		if err := checkThroughput(r, in.Attributes); err != nil {
			return err
		}
		r.set(in.Attributes)
		r.Modified = s.Clock.Now()
		return nil
	})
}

func (s *Service) getQueueAttributes(ctx context.Context, in *api.GetQueueAttributesInput) (*api.GetQueueAttributesOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.forget(ctx, q); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := q.shown(s.Clock.Now())
	out := &api.GetQueueAttributesOutput{}
	for _, name := range in.AttributeNames {
		if name == "All" {
			out.Attributes = all
			return out, nil
		}
		if !computed[name] && !texts[name] && words[name] == nil && name != "FifoQueue" {
			if _, ok := numbers[name]; !ok {
				return nil, api.InvalidAttributeName("Unknown Attribute %s.", name)
			}
		}
		if v, ok := all[name]; ok {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = v
		}
	}
	return out, nil
}

// forget drops the messages that are older than the queue keeps them.
func (s *Service) forget(ctx context.Context, q *queue) error {
	s.mu.Lock()
	old := q.expired(s.Clock.Now())
	s.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error { return s.remove(tx, q, old) })
}

func (s *Service) getQueueURL(ctx context.Context, in *api.GetQueueUrlInput) (*api.GetQueueUrlOutput, error) {
	c := bus.From(ctx)
	if in.QueueOwnerAWSAccountId != nil {
		c.Account = *in.QueueOwnerAWSAccountId
	}
	q, err := s.byARN(c.ARN("sqs", *in.QueueName))
	if err != nil {
		return nil, err
	}
	return &api.GetQueueUrlOutput{QueueUrl: new(s.url(&q.record))}, nil
}

func (s *Service) listQueues(ctx context.Context, in *api.ListQueuesInput) (*api.ListQueuesOutput, error) {
	c := bus.From(ctx)
	list, next, err := s.page(in.NextToken, in.MaxResults, func(q *queue) bool {
		return q.Account == c.Account && q.Region == c.Region && strings.HasPrefix(q.Name, text(in.QueueNamePrefix))
	})
	return &api.ListQueuesOutput{QueueUrls: list, NextToken: next}, err
}

func (s *Service) listDeadLetterSourceQueues(ctx context.Context, in *api.ListDeadLetterSourceQueuesInput) (*api.ListDeadLetterSourceQueuesOutput, error) {
	target, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	list, next, err := s.page(in.NextToken, in.MaxResults, func(q *queue) bool { return q.deadLetters() == target.ARN })
	if list == nil {
		list = []string{}
	}
	return &api.ListDeadLetterSourceQueuesOutput{QueueUrls: list, NextToken: next}, err
}

// deadLetters is the ARN of the queue's dead-letter queue, "" where it has none.
func (q *queue) deadLetters() string {
	p, err := parseRedrive(q.Attributes["RedrivePolicy"])
	if err != nil {
		return ""
	}
	return p.Target
}

// page lists the URLs of queues by name. Without a limit it lists the first 1,000
// and gives no token, as SQS does.
func (s *Service) page(token *string, limit *int64, fits func(*queue) bool) (urls []string, next *string, err error) {
	if limit != nil && (*limit < 1 || *limit > 1000) {
		return nil, nil, badValue(*limit, "MaxResults", "Must be an integer from 1 to 1000.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, arn := range slices.Sorted(maps.Keys(s.queues)) {
		if fits(s.queues[arn]) {
			all = append(all, arn)
		}
	}
	shown, next, err := paging.Cut(all, func(arn *string) string { return *arn }, token, paging.Size(limit, 1000))
	if err != nil {
		return nil, nil, badValue(*token, "NextToken", "Invalid token.")
	}
	for _, arn := range shown {
		urls = append(urls, s.url(&s.queues[arn].record))
	}
	if limit == nil {
		next = nil
	}
	return urls, next, nil
}

func (s *Service) deleteQueue(ctx context.Context, in *api.DeleteQueueInput) (*api.DeleteQueueOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &api.DeleteQueueOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := queues.Delete(tx, q.Account, q.Region, q.Name); err != nil {
			return err
		}
		if err := clear(tx, q.ID); err != nil {
			return err
		}
		if err := duplicates.DeleteAll(tx, q.ID); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.queues, q.ARN)
			q.deleted = true
			q.wake()
		})
		return deleted.Put(tx, tombstone{s.Clock.Now()}, q.Account, q.Region, q.Name)
	})
}

// clear deletes a queue's messages from the store.
func clear(tx *store.Tx, id string) error {
	if err := messages.DeleteAll(tx, id); err != nil {
		return err
	}
	return receipts.DeleteAll(tx, id)
}

func (s *Service) purgeQueue(ctx context.Context, in *api.PurgeQueueInput) (*api.PurgeQueueOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	return &api.PurgeQueueOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		r, ok, err := queues.Get(tx, q.Account, q.Region, q.Name)
		if err != nil {
			return err
		}
		if !ok {
			return noQueue()
		}
		if !r.Purged.IsZero() && now.Sub(r.Purged) < nameHeld {
			return api.PurgeQueueInProgress("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.Name)
		}
		r.Purged = now
		if err := clear(tx, q.ID); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			q.Purged = r.Purged
			for _, e := range q.entries {
				q.set(e, gone, time.Time{})
			}
		})
		return r.put(tx)
	})
}

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, tags map[string]string) error {
	for key := range tags {
		if c.ReservedTag(key) {
			return invalid(bus.ReservedTags)
		}
	}
	return nil
}

func (s *Service) tagQueue(ctx context.Context, in *api.TagQueueInput) (*api.TagQueueOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagQueueOutput{}, s.change(ctx, *in.QueueUrl, func(r *record) error {
		if r.Tags == nil {
			r.Tags = map[string]string{}
		}
		maps.Copy(r.Tags, in.Tags)
		if len(r.Tags) > 50 {
			return invalid("Too many tags added for queue %s.", r.Name)
		}
		return nil
	})
}

func (s *Service) untagQueue(ctx context.Context, in *api.UntagQueueInput) (*api.UntagQueueOutput, error) {
	return &api.UntagQueueOutput{}, s.change(ctx, *in.QueueUrl, func(r *record) error {
		for _, k := range in.TagKeys {
			delete(r.Tags, k)
		}
		return nil
	})
}

func (s *Service) listQueueTags(ctx context.Context, in *api.ListQueueTagsInput) (*api.ListQueueTagsOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &api.ListQueueTagsOutput{Tags: q.Tags}, nil
}
