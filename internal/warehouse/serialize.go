package warehouse

import (
	"slices"
	"sync"
)

// access says what a transaction did with a table.
type access int

const (
	reads    access = 1 << iota
	appends         // rows were added: two transactions that only append do not disturb each other
	modifies        // rows were changed or removed
)

// txn is a transaction of a database with ISOLATION LEVEL SERIALIZABLE.
type txn struct {
	id    int64
	began int64            // instant of its snapshot
	ended int64            // instant of its commit, 0 while it is open
	used  map[int64]access // by the table's oid
}

// serial is the serialization graph of a database: its open transactions, and
// those committed that an open one may still come before. As Redshift does,
// it looks at whole tables ("Isolation levels in Amazon Redshift").
type serial struct {
	mu   sync.Mutex
	now  int64
	last int64 // id of the latest transaction
	live []*txn
}

// begin adds a transaction whose snapshot is taken at this instant. The caller
// sees to it that no other transaction commits between the two.
func (g *serial) begin() *txn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.last++
	t := &txn{id: g.last, began: g.now, used: map[int64]access{}}
	g.live = append(g.live, t)
	return t
}

// use notes an access. When no serial order of the transactions is left it
// returns the ids of those that form the cycle, and notes nothing.
func (g *serial) use(t *txn, table int64, a access) (cycle []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := t.used[table]
	if before|a == before {
		return nil
	}
	t.used[table] = before | a
	if cycle = g.cycle(t); cycle != nil {
		t.used[table] = before
	}
	return cycle
}

// commit notes that a transaction's changes are seen by those that begin from
// now on, or returns a cycle.
func (g *serial) commit(t *txn) (cycle []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	t.ended = g.now
	if cycle = g.cycle(t); cycle != nil {
		t.ended = 0
		return cycle
	}
	g.prune()
	return nil
}

// abort forgets a transaction.
func (g *serial) abort(t *txn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live = slices.DeleteFunc(g.live, func(x *txn) bool { return x == t })
	g.prune()
}

// precedes says whether a must stand before b in every serial order.
func (a *txn) precedes(b *txn) bool {
	for table, mine := range a.used {
		theirs := b.used[table]
		if theirs == 0 {
			continue
		}
		wrote := theirs&(appends|modifies) != 0
		unseen := b.ended == 0 || b.ended > a.began
		if mine&reads != 0 && wrote && unseen {
			return true
		}
		if mine&(appends|modifies) == 0 || a.ended == 0 {
			continue
		}
		if theirs&reads != 0 && a.ended < b.began {
			return true
		}
		first := b.ended == 0 || a.ended < b.ended
		if wrote && first && (mine|theirs)&modifies != 0 {
			return true
		}
	}
	return false
}

// cycle looks for a way from t back to itself.
func (g *serial) cycle(t *txn) []int64 {
	from := map[*txn]*txn{}
	queue := []*txn{t}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for _, b := range g.live {
			if b == a || from[b] != nil || !a.precedes(b) {
				continue
			}
			from[b] = a
			if b == t {
				return path(from, t)
			}
			queue = append(queue, b)
		}
	}
	return nil
}

func path(from map[*txn]*txn, t *txn) []int64 {
	ids := []int64{t.id}
	for x := from[t]; x != t; x = from[x] {
		ids = append(ids, x.id)
	}
	return ids
}

// prune drops the committed transactions that no open one can come before,
// directly or through others.
func (g *serial) prune() {
	oldest := g.now + 1
	for _, t := range g.live {
		if t.ended == 0 {
			oldest = min(oldest, t.began)
		}
	}
	keep := map[*txn]bool{}
	var queue []*txn
	for _, t := range g.live {
		if t.ended == 0 || t.ended > oldest {
			keep[t] = true
			queue = append(queue, t)
		}
	}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for _, b := range g.live {
			if !keep[b] && a.precedes(b) {
				keep[b] = true
				queue = append(queue, b)
			}
		}
	}
	g.live = slices.DeleteFunc(g.live, func(t *txn) bool { return !keep[t] })
}
