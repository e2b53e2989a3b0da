package exec

// What DescribeMapRun shows of a Map run that was redriven ("Redriving Map Runs",
// developer guide): while it runs, the unsuccessful children that it has not come
// to are pending redrive; at its end they are again what they were.

// attempt is the attempt before a redrive, and how far the redrive has come in it.
type attempt struct {
	last    Counts // of all of its children, or their items
	begun   int64  // in this attempt, or counted as what they came to in the last one
	reached int64  // of these, those that the last one began
	kept    int64  // of these again, those that had succeeded
}

// begins are the children that an attempt began: it comes to them in the order of
// their indexes.
func (a *attempt) begins() int64 { return a.last.Total - a.last.Pending }

// shown are the counts of a redriven Map run that goes on. now counts what it came to.
func (a *attempt) shown(now Counts) Counts {
	unsuccessful := a.last.Failed + a.last.TimedOut + a.last.Aborted
	now.Succeeded = max(now.Succeeded, a.last.Succeeded+now.Succeeded-a.kept)
	now.PendingRedrive = max(0, unsuccessful-(a.reached-a.kept))
	now.Pending = max(0, a.last.Pending-(a.begun-a.reached))
	now.Total = max(now.Total, a.last.Total)
	return now
}

// reach counts a child that the Map run has come to; m.mu is held.
func (m *mapRunner) reach(c Child) {
	m.begun++
	m.items.Total += c.Items
	m.children.Total++
	m.meet(c)
}

// meet counts a child in what is shown of a redriven Map run; m.mu is held.
func (m *mapRunner) meet(c Child) {
	again := c.Index < m.past[ofChildren].begins()
	for kind, n := range [...]int64{ofItems: c.Items, ofChildren: 1} {
		m.past[kind].begun += n
		if again {
			m.past[kind].reached += n
		}
	}
}

// keep counts a child that succeeded in an earlier attempt; m.mu is held.
func (m *mapRunner) keep(c Child) {
	m.past[ofItems].kept += c.Items
	m.past[ofChildren].kept++
}

const (
	ofItems = iota
	ofChildren
)

// unreached counts a child that the Map run did not come to: as what it came to in
// an earlier attempt, or under an earlier server, else as pending.
func (m *mapRunner) unreached(c Child) {
	r, known := Result{}, false
	if c.Index < m.past[ofChildren].begins() {
		r, known = m.earlier(c)
	} else if m.again && !m.run.Express && m.misses < 2*starters {
		if r, known = m.earlier(c); !known {
			m.misses++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items.Total += c.Items
	m.children.Total++
	if known {
		m.meet(c)
		if m.tally(c, r); r.Status == Succeeded {
			m.keep(c)
		}
	} else {
		m.items.Pending += c.Items
		m.children.Pending++
	}
	switch {
	case m.results == nil || known && m.run.Express && r.Status == Succeeded: // its result is in a file
	case known && !m.run.Express:
		m.results.add(c, r)
	default:
		m.results.pending(c)
	}
}

// earlier is what a child came to in an earlier attempt. Of Express children no
// more than the status is known.
func (m *mapRunner) earlier(c Child) (r Result, known bool) {
	if m.run.Express {
		return Result{Status: m.kept.status(c.Index)}, true
	}
	err := m.insist(func() (err error) {
		r, err = m.host.EndOfChild(m.r.ctx, c)
		return err
	})
	return r, err == nil
}

// tally counts the end of a child; m.mu is held.
func (m *mapRunner) tally(c Child, r Result) {
	m.items.add(r.Status, c.Items)
	m.children.add(r.Status, 1)
	if (r.Full || r.Before) && r.Status != Succeeded {
		m.items.NotRedrivable += c.Items
		m.children.NotRedrivable++
	}
}

// bits are a set of the indexes of children.
type bits []byte

func (b bits) has(index int64) bool {
	return index/8 < int64(len(b)) && b[index/8]&(1<<(index%8)) != 0
}

func (b *bits) add(index int64) {
	for int64(len(*b)) <= index/8 {
		*b = append(*b, 0)
	}
	(*b)[index/8] |= 1 << (index % 8)
}

// join adds what another set holds.
func (b *bits) join(other bits) {
	for len(*b) < len(other) {
		*b = append(*b, 0)
	}
	for i, o := range other {
		(*b)[i] |= o
	}
}

func (b bits) remove(index int64) {
	if b.has(index) {
		b[index/8] &^= 1 << (index % 8)
	}
}

// ended keeps how an Express child ended.
func (k *keptChildren) ended(index int64, s Status) {
	if k == nil {
		return
	}
	k.Failed.remove(index)
	k.TimedOut.remove(index)
	switch s {
	case Succeeded:
		k.Done.add(index)
	case Failed:
		k.Failed.add(index)
	case TimedOut:
		k.TimedOut.add(index)
	}
}

// status is how an Express child ended that began in an earlier attempt.
func (k *keptChildren) status(index int64) Status {
	switch {
	case k.Done.has(index):
		return Succeeded
	case k.Failed.has(index):
		return Failed
	case k.TimedOut.has(index):
		return TimedOut
	}
	return Aborted
}
