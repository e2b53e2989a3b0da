package notify

import (
	"errors"
	"math"
	"net/http"
	"time"

	"stepwell/internal/awserr"
)

// refusal is a failure that is not tried again.
type refusal struct{ error }

// Refuse marks a failure that would come to the same again.
func Refuse(err error) error { return refusal{err} }

// laterError is a failure after which the target wants to be left alone for a while.
type laterError struct {
	error
	wait time.Duration
}

// Later marks a failure after which the target wants to be left alone for a while.
func Later(err error, wait time.Duration) error { return laterError{err, wait} }

// Retriable reports whether a delivery is tried again: not where the target called
// it the sender's fault.
func Retriable(err error) bool {
	if r := (refusal{}); errors.As(err, &r) {
		return false
	}
	e := awserr.From(err)
	return e == nil || e.Temporary() || e.Status == http.StatusTooManyRequests || e.Code == "ExecutionLimitExceeded"
}

// Backoff is the pause after so many attempts that failed before: a second, twice
// as long each time, five minutes at the most.
func Backoff(failed int) time.Duration { return min(time.Second<<min(failed, 9), 5*time.Minute) }

// The retry policy of a target that has none (EventBridge user guide, "Retrying
// event delivery"; EventBridge Scheduler API reference, "RetryPolicy").
const (
	usualRetries = 185
	usualAge     = 24 * time.Hour
)

// Policy says how often and how long a delivery is tried again.
type Policy struct {
	Retries int64
	Age     time.Duration // of what is delivered, when an attempt is made
}

// NewPolicy is the policy of a target; a part that is nil is AWS's usual one.
func NewPolicy(retries, ageSeconds *int64) Policy {
	p := Policy{usualRetries, usualAge}
	if retries != nil {
		p.Retries = *retries
	}
	if ageSeconds != nil {
		p.Age = time.Duration(*ageSeconds) * time.Second
	}
	return p
}

// ForAge tries again for so long, however often.
func ForAge(age time.Duration) Policy { return Policy{math.MaxInt64, age} }

// Verdict is what follows an attempt that failed.
type Verdict struct {
	Again     bool
	Wait      time.Duration // before the next attempt
	Exhausted string        // the part of the policy that ends it, as dead-letter queues hear of it; "" where the failure is final
}

// Judge says what follows a failure at now, after so many that failed before, of
// what is on its way since a time.
func (p Policy) Judge(failure error, failed int, since, now time.Time) Verdict {
	if !Retriable(failure) {
		return Verdict{}
	}
	wait := Backoff(failed)
	if l := (laterError{}); errors.As(failure, &l) {
		wait = max(wait, l.wait)
	}
	switch {
	case int64(failed) >= p.Retries:
		return Verdict{Exhausted: "MaximumRetryAttempts"}
	case now.Add(wait).Sub(since) > p.Age:
		return Verdict{Exhausted: "MaximumEventAgeInSeconds"}
	}
	return Verdict{Again: true, Wait: wait}
}
