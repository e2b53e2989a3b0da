package exec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"stepwell/internal/asl/value"
)

// childSource makes the children of the items.
type childSource struct {
	m     *mapRunner
	items itemSource
	read  int   // items
	index int64 // of the next child
	batch []json.RawMessage
	size  int
	most  int64 // items of a batch; 0: no limit
	limit int   // bytes of a child's input
	base  int
	back  *Child // comes next
	ended bool
}

func (m *mapRunner) childrenOf(items itemSource) *childSource {
	spec := m.task.spec
	s := &childSource{m: m, items: items, most: 1, limit: m.parent.limits.data}
	if b := spec.Batch; b != nil {
		s.most = b.Items
		if b.Bytes > 0 && b.Bytes < int64(s.limit) {
			s.limit = int(b.Bytes)
		}
	}
	s.base = len(`{"Items":[]}`) + len(spec.Batched) + len(`"BatchInput":,`)
	return s
}

// next is the next child; io.EOF: there is none.
func (s *childSource) next() (Child, error) {
	if c := s.back; c != nil {
		s.back = nil
		return *c, nil
	}
	for !s.ended {
		item, err := s.items.next()
		if err == io.EOF {
			s.ended = true
			break
		}
		if err != nil {
			return Child{}, readerFault(err)
		}
		if item, err = s.m.selected(s.read, item, s.items.origin()); err != nil {
			return Child{}, err
		}
		s.read++
		full := s.m.task.spec.Batch != nil && len(s.batch) > 0 && s.base+s.size+len(item)+1 > s.limit
		var c Child
		if full {
			c, err = s.child()
		}
		s.batch = append(s.batch, item)
		s.size += len(item) + 1
		if full {
			return c, err
		}
		if s.most > 0 && int64(len(s.batch)) >= s.most {
			return s.child()
		}
	}
	if len(s.batch) > 0 {
		return s.child()
	}
	return Child{}, io.EOF
}

// child is the child of the items at hand.
func (s *childSource) child() (Child, error) {
	c := s.m.child(s.index, s.batch)
	if most := s.m.parent.limits.data; len(c.Input) > most {
		return c, &runFault{errDataLimit, fmt.Sprintf("The input of the child execution %d exceeds the maximum size, %d bytes.", s.index, most)}
	}
	s.index, s.size, s.batch = s.index+1, 0, nil
	return c, nil
}

// selected applies the ItemSelector. What a child gets of a member of an object
// without one is not documented: such a Map fails, of a file with the error that
// the service gave before it read objects.
func (m *mapRunner) selected(index int, item json.RawMessage, from origin) (json.RawMessage, error) {
	selector := m.task.frame.state.loop.selector
	if selector == nil && from.key != nil && from.source != stateData {
		return nil, &runFault{errReader, errNoItems.Error()}
	}
	if selector == nil && from.key != nil {
		return nil, missing("a Map over the members of a JSON object without an ItemSelector that places $$.Map.Item.Key and $$.Map.Item.Value")
	}
	if selector == nil {
		return item, nil
	}
	s := m.parent.scope(m.task.frame, m.task.spec.Input)
	s.itemIndex, s.item, s.itemFrom = index, item, from
	v, err := s.template(selector)
	if err != nil {
		f := m.parent.failureOf(m.task.frame, err)
		return nil, &runFault{*f.Error, *f.Cause}
	}
	return value.Text(v), nil
}

// child is the child execution of one item or batch.
func (m *mapRunner) child(index int64, items []json.RawMessage) Child {
	c := Child{MapRun: m.run.ID, Index: index, Name: childName(m.run.ID, index), Items: int64(len(items)), Machine: m.run.Machine,
		Parent: m.parent.info, Express: m.run.Express, Label: m.run.Label, Redrives: m.run.Redrives}
	if m.task.spec.Batch == nil {
		c.Input = items[0]
		return c
	}
	size := 40 + len(m.task.spec.Batched)
	for _, item := range items {
		size += len(item) + 1
	}
	in := append(make([]byte, 0, size), '{')
	if b := m.task.spec.Batched; b != nil {
		in = append(append(append(in, `"BatchInput":`...), b...), ',')
	}
	in = append(in, `"Items":[`...)
	for i, item := range items {
		if i > 0 {
			in = append(in, ',')
		}
		in = append(in, item...)
	}
	c.Input = append(in, "]}"...)
	return c
}

// childName is a UUID that follows from the Map run and the index.
func childName(run string, index int64) string {
	b := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(run), uint64(index)))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
