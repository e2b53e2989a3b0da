package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// invocation is one time of a schedule on its way to the target: the payload of a
// task.
type invocation struct {
	Schedule, Group, Name, Plan string
	At                          time.Time // the scheduled time
	First                       time.Time // when it was due: the age counts from here
	Target                      api.Target
	Attempt                     int  // attempts that failed
	Last                        bool `json:",omitempty"` // no time follows
}

func (i *invocation) task(x *entry) (work.Task, error) {
	payload, err := json.Marshal(i)
	if err != nil {
		return work.Task{}, fmt.Errorf("cannot write an invocation of %s: %w", i.Schedule, err)
	}
	return work.Task{Kind: InvocationKind, ID: i.Plan + "/" + i.At.Format(time.RFC3339Nano) + "/" + strconv.Itoa(i.Attempt), Payload: payload, Caller: x.caller()}, nil
}

// id is one for the time of the schedule, in hexadecimal.
func (i *invocation) id(bytes int, attempt int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", i.Plan, i.At.Format(time.RFC3339Nano), attempt))
	return hex.EncodeToString(h[:bytes])
}

// input is what the target gets: its Input with the context attributes filled in
// ("Adding context attributes", user guide), or, without one, an event.
func (i *invocation) input(c bus.Caller) string {
	at := i.At.UTC().Format("2006-01-02T15:04:05Z")
	if i.Target.Input == nil {
		if isUniversal(*i.Target.Arn) {
			return "{}"
		}
		uuid := i.id(16, 0)
		text, _ := json.Marshal(notice{"0", strings.Join([]string{uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]}, "-"), "Scheduled Event",
			"aws.scheduler", c.Account, at, c.Region, []string{i.Schedule}, "{}"}) // strings always encode
		return string(text)
	}
	return strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", i.Schedule,
		"<aws.scheduler.scheduled-time>", at,
		"<aws.scheduler.execution-id>", i.id(8, i.Attempt),
		"<aws.scheduler.attempt-number>", strconv.Itoa(i.Attempt+1),
	).Replace(*i.Target.Input)
}

// notice is what a target without an Input gets.
type notice struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     string   `json:"detail"`
}

// invoke is the task of an invocation.
func (s *Service) invoke(ctx context.Context, task *work.Task) error {
	var i invocation
	if err := json.Unmarshal(task.Payload, &i); err != nil {
		return fmt.Errorf("cannot read the invocation %s: %w", task.ID, err)
	}
	c := task.Caller
	c.Principal = value(i.Target.RoleArn)
	err := s.send(bus.With(ctx, c), &i, i.input(c))
	if err == nil {
		return s.conclude(ctx, c, &i)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause // the next server makes it
	}
	p := i.Target.RetryPolicy
	verdict := notify.NewPolicy(p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds).Judge(err, i.Attempt, i.First, s.Clock.Now())
	if verdict.Again {
		i.Attempt++
		next, err := i.task(&entry{Account: c.Account, Region: c.Region})
		if err != nil {
			return err
		}
		next.RunAt = s.Clock.Now().Add(verdict.Wait)
		return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.Work.Submit(tx, next) })
	}
	s.Log.Warn("schedule could not invoke its target", "schedule", i.Schedule, "target", *i.Target.Arn, "attempts", i.Attempt+1, "error", err)
	if err := s.bury(ctx, c, &i, err, verdict.Exhausted); err != nil {
		return err
	}
	return s.conclude(ctx, c, &i)
}

// conclude deletes a schedule whose last time is over, where it asks for that.
func (s *Service) conclude(ctx context.Context, c bus.Caller, i *invocation) error {
	if !i.Last {
		return nil
	}
	return s.Store.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		x, ok, err := schedules.Get(tx, c.Account, c.Region, i.Group, i.Name)
		if err != nil || !ok || x.Plan != i.Plan || x.Completion != api.ActionAfterCompletionDelete {
			return err
		}
		_, err = schedules.Delete(tx, c.Account, c.Region, i.Group, i.Name)
		return err
	})
}

// maxBody is how much of an input fits beside its attributes in a message of a
// dead-letter queue.
const maxBody = 240 << 10

// bury sends an invocation that could not be made to the target's dead-letter queue,
// where it has one ("Configuring a schedule's dead-letter queue", user guide).
func (s *Service) bury(ctx context.Context, c bus.Caller, i *invocation, failure error, exhausted string) error {
	if i.Target.DeadLetterConfig == nil {
		return nil
	}
	code, message := "AWS.Scheduler.InternalServerError", "Unexpected error occurred while processing the request"
	if e := awserr.From(failure); e != nil {
		code, message = e.Code, e.Message
	}
	body, truncated := i.input(c), false
	if len(body) > maxBody {
		body, truncated = strings.ToValidUTF8(body[:maxBody], ""), true
	}
	return s.sender().Bury(ctx, i.Target.DeadLetterConfig.Arn, &notify.Message{Body: body, Attributes: map[string]string{
		"ERROR_CODE": code, "ERROR_MESSAGE": message, "EXECUTION_ID": i.id(8, i.Attempt), "EXHAUSTED_RETRY_CONDITION": exhausted,
		"IS_PAYLOAD_TRUNCATED": strconv.FormatBool(truncated), "RETRY_ATTEMPTS": strconv.Itoa(i.Attempt),
		"SCHEDULED_TIME": i.At.UTC().Format("2006-01-02T15:04:05Z"), "SCHEDULE_ARN": i.Schedule, "TARGET_ARN": serviceARN(*i.Target.Arn),
	}})
}

func (s *Service) sender() notify.Sender {
	return notify.Sender{Bus: s.Bus, Source: "scheduler", Log: s.Log}
}
