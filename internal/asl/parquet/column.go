package parquet

import (
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"stepwell/internal/asl/value"
)

// column is a node of the file's schema: a leaf, or a group of columns.
type column struct {
	name       string
	optional   bool
	repeated   bool
	definition int // the level from which it is there
	repetition int // the level that begins a new element, where it is repeated
	first, end int // its leaves
	fields     []*column
	shape      shape
	scalar     scalar // of a leaf
}

type shape uint8

const (
	leaf shape = iota
	group
	list   // a group with one repeated field
	object // a group with one repeated field of keys and values
)

func newColumn(f pq.Field, definition, repetition int, next *int) *column {
	c := &column{name: f.Name(), optional: f.Optional(), repeated: f.Repeated(), definition: definition, repetition: repetition, first: *next}
	if c.optional || c.repeated {
		c.definition++
	}
	if c.repeated {
		c.repetition++
	}
	if f.Leaf() {
		c.scalar = scalarOf(f.Type())
		*next++
		c.end = *next
		return c
	}
	for _, field := range f.Fields() {
		c.fields = append(c.fields, newColumn(field, c.definition, c.repetition, next))
	}
	c.end, c.shape = *next, c.groupShape(f)
	return c
}

// groupShape recognises lists and maps ("Nested Types" of parquet-format's LogicalTypes.md).
func (c *column) groupShape(f pq.Field) shape {
	t := f.Type().LogicalType()
	if t == nil || len(c.fields) != 1 || !c.fields[0].repeated {
		return group
	}
	inner := c.fields[0]
	switch t.Value.(type) {
	case *format.MapType:
		if len(inner.fields) >= 1 && len(inner.fields) <= 2 && inner.fields[0].shape == leaf {
			return object
		}
	case *format.ListType:
		return list
	}
	return group
}

// append writes one instance of the column as JSON: leaves are its values.
func (c *column) append(b []byte, leaves [][]pq.Value) []byte {
	if !c.repeated {
		return c.element(b, leaves)
	}
	return c.elements(b, leaves, c.element)
}

// elements writes the array of a repeated column.
func (c *column) elements(b []byte, leaves [][]pq.Value, each func([]byte, [][]pq.Value) []byte) []byte {
	b = append(b, '[')
	for i, e := range c.split(leaves) {
		if i > 0 {
			b = append(b, ',')
		}
		b = each(b, e)
	}
	return append(b, ']')
}

// split cuts the values of a repeated column into its elements.
func (c *column) split(leaves [][]pq.Value) [][][]pq.Value {
	if !c.present(leaves) {
		return nil
	}
	var all [][][]pq.Value
	for l, values := range leaves {
		start, n := 0, 0
		for i := 1; i <= len(values); i++ {
			if i < len(values) && values[i].RepetitionLevel() > c.repetition {
				continue
			}
			if n == len(all) {
				all = append(all, make([][]pq.Value, len(leaves)))
			}
			all[n][l] = values[start:i]
			start, n = i, n+1
		}
	}
	return all
}

// present reports whether there is an instance at all.
func (c *column) present(leaves [][]pq.Value) bool {
	return len(leaves) > 0 && len(leaves[0]) > 0 && leaves[0][0].DefinitionLevel() >= c.definition
}

// element writes an instance, or an element of a repeated column.
func (c *column) element(b []byte, leaves [][]pq.Value) []byte {
	if !c.present(leaves) {
		return append(b, "null"...)
	}
	switch c.shape {
	case leaf:
		return c.scalar(b, leaves[0][0])
	case list:
		return c.list(b, leaves)
	case object:
		return c.object(b, leaves)
	}
	b = append(b, '{')
	for i, f := range c.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(value.AppendString(b, f.name), ':')
		b = f.append(b, c.of(f, leaves))
	}
	return append(b, '}')
}

// of are the values of a field.
func (c *column) of(f *column, leaves [][]pq.Value) [][]pq.Value {
	return leaves[f.first-c.first : f.end-c.first]
}

// list writes a list: its elements stand in a group of their own, except in old files.
func (c *column) list(b []byte, leaves [][]pq.Value) []byte {
	inner := c.fields[0]
	each := inner.element
	if len(inner.fields) == 1 && inner.name != "array" && inner.name != c.name+"_tuple" {
		each = func(b []byte, e [][]pq.Value) []byte { return inner.fields[0].append(b, e) }
	}
	return inner.elements(b, leaves, each)
}

// object writes a map.
func (c *column) object(b []byte, leaves [][]pq.Value) []byte {
	inner := c.fields[0]
	b = append(b, '{')
	for i, e := range inner.split(leaves) {
		if i > 0 {
			b = append(b, ',')
		}
		key := inner.fields[0].append(nil, inner.of(inner.fields[0], e))
		if len(key) > 0 && key[0] == '"' {
			b = append(b, key...)
		} else {
			b = value.AppendString(b, string(key))
		}
		b = append(b, ':')
		if len(inner.fields) == 1 {
			b = append(b, "null"...)
		} else {
			b = inner.fields[1].append(b, inner.of(inner.fields[1], e))
		}
	}
	return append(b, '}')
}
