package cloudwatch

import (
	"log/slog"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker // SNS and Lambda, for the actions of alarms
	Work  *work.Engine
	Log   *slog.Logger
	// Events puts an event of the service on the default event bus; nil for none.
	Events func(c bus.Caller, detailType string, resources []string, detail any)
}

// Service is CloudWatch.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }

const (
	evaluation = "cloudwatch-evaluation" // an alarm is evaluated
	action     = "cloudwatch-action"     // an alarm acts
)

// Register tells the engine how the service's tasks are run.
func (s *Service) Register(e *work.Engine) {
	e.Handle(evaluation, work.Kind{Run: s.runEvaluation, Limit: 4})
	e.Handle(action, work.Kind{Run: s.runAction, Limit: 8})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number[T int64 | float64](n *T) T {
	if n == nil {
		return 0
	}
	return *n
}
