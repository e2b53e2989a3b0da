package states

import (
	"sync"

	"stepwell/internal/store"
)

// targets keeps what the unqualified ARNs of state machines stand for, so that
// starting an execution reads nothing from the disk. Its machines are not to be changed.
type targets struct {
	mu      sync.Mutex
	version int64 // of the table of machines
	byARN   map[string]target
}

const targetsKept = 1000

// targetOf is getTarget for a View.
func (s *Service) targetOf(tx *store.Tx, r resource) (target, error) {
	version := machines.Version(s.Store)
	if t, ok := s.targets.get(r.ARN, version); ok {
		return t, nil
	}
	t, err := getTarget(tx, r, s.dice)
	if err == nil && r.Qualifier == "" {
		s.targets.put(r.ARN, version, t)
	}
	return t, err
}

func (c *targets) get(arn string, version int64) (target, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.byARN[arn]
	return t, ok && c.version == version
}

func (c *targets) put(arn string, version int64, t target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byARN == nil || c.version != version || len(c.byARN) >= targetsKept {
		c.version, c.byARN = version, map[string]target{}
	}
	c.byARN[arn] = t
}
