package states

import (
	"context"
	"slices"
	"sync"
)

// activityQueues hold the tasks that wait for a worker and the workers that
// wait for a task, by activity ARN. Tasks are taken in the order they came.
type activityQueues struct {
	mu    sync.Mutex
	byARN map[string]*activityQueue
}

type activityQueue struct {
	tasks   []*openTask
	pollers []chan *openTask
}

func (q *activityQueues) of(arn string) *activityQueue {
	if q.byARN[arn] == nil {
		q.byARN[arn] = &activityQueue{}
	}
	return q.byARN[arn]
}

// offer gives a task to the poller that has waited longest, or queues it.
func (q *activityQueues) offer(o *openTask) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(o.Action)
	if len(a.pollers) > 0 {
		o.hold() // the poller has yet to wake
		a.pollers[0] <- o
		a.pollers = a.pollers[1:]
		return
	}
	a.tasks = append(a.tasks, o)
}

// withdraw removes a task that nobody has taken.
func (q *activityQueues) withdraw(o *openTask) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(o.Action)
	a.tasks = slices.DeleteFunc(a.tasks, func(t *openTask) bool { return t == o })
	q.tidy(o.Action)
}

// take waits for a task of an activity until ctx ends; nil: there was none.
func (q *activityQueues) take(ctx context.Context, arn string) *openTask {
	q.mu.Lock()
	a := q.of(arn)
	if len(a.tasks) > 0 {
		o := a.tasks[0]
		o.hold()
		a.tasks = a.tasks[1:]
		q.tidy(arn)
		q.mu.Unlock()
		return o
	}
	turn := make(chan *openTask, 1)
	a.pollers = append(a.pollers, turn)
	q.mu.Unlock()
	select {
	case o := <-turn:
		return o
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case o := <-turn: // it came at the last moment
		return o
	default:
	}
	a = q.of(arn)
	a.pollers = slices.DeleteFunc(a.pollers, func(c chan *openTask) bool { return c == turn })
	q.tidy(arn)
	return nil
}

// putBack returns a task that a worker has not got after all to the front.
func (q *activityQueues) putBack(o *openTask) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o.letGo()
	a := q.of(o.Action)
	a.tasks = slices.Insert(a.tasks, 0, o)
}

// tidy drops a queue that holds nothing.
func (q *activityQueues) tidy(arn string) {
	if a := q.byARN[arn]; a != nil && len(a.tasks) == 0 && len(a.pollers) == 0 {
		delete(q.byARN, arn)
	}
}
