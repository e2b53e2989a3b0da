// Package value holds JSON values as the States Language handles them: objects
// keep the order of their members, numbers keep their spelling.
//
// It parses and writes; it does not look into values by path (see jsonpath).
// The packages of asl import it.
package value

import "strconv"

// Value is one of: nil (null), bool, Number, string, []Value, *Object.
type Value = any

// Number is a JSON number as it was written.
type Number string

// Float is the number's value.
func (n Number) Float() float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// Int is the number's value where it is written as an integer that fits.
func (n Number) Int() (int64, bool) {
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// Int makes a Number.
func Int(i int64) Number { return Number(strconv.FormatInt(i, 10)) }

// Float makes a Number; whole values are written without a fraction.
func Float(f float64) Number {
	if f == float64(int64(f)) && f < 1e15 && f > -1e15 {
		return Int(int64(f))
	}
	return Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// Object is a JSON object with ordered members. A shared Object must not be
// changed; Clone first.
type Object struct {
	members []Member
	index   map[string]int // built once there are many members
}

// Member is one name and its value.
type Member struct {
	Name  string
	Value Value
}

const indexFrom = 12

// NewObject makes an object of the members, in order; names must differ.
func NewObject(members ...Member) *Object {
	o := &Object{}
	for _, m := range members {
		o.Set(m.Name, m.Value)
	}
	return o
}

// Len is the number of members.
func (o *Object) Len() int { return len(o.members) }

// Members are the members in order; do not change the slice.
func (o *Object) Members() []Member { return o.members }

// Get finds a member by name.
func (o *Object) Get(name string) (Value, bool) {
	if i := o.find(name); i >= 0 {
		return o.members[i].Value, true
	}
	return nil, false
}

// Set adds the member or replaces its value.
func (o *Object) Set(name string, v Value) {
	if i := o.find(name); i >= 0 {
		o.members[i].Value = v
		return
	}
	o.members = append(o.members, Member{name, v})
	if o.index != nil {
		o.index[name] = len(o.members) - 1
	} else if len(o.members) >= indexFrom {
		o.index = make(map[string]int, 2*len(o.members))
		for i, m := range o.members {
			o.index[m.Name] = i
		}
	}
}

func (o *Object) find(name string) int {
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].Name == name {
			return i
		}
	}
	return -1
}

// Clone copies the object, not the values in it.
func (o *Object) Clone() *Object {
	c := &Object{members: make([]Member, len(o.members), len(o.members)+1)}
	copy(c.members, o.members)
	if o.index != nil {
		c.index = make(map[string]int, len(o.index)+1)
		for k, v := range o.index {
			c.index[k] = v
		}
	}
	return c
}

// Equal compares two values; numbers by value, objects without order.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case Number:
		b, ok := b.(Number)
		return ok && (a == b || a.Float() == b.Float())
	case []Value:
		b, ok := b.([]Value)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for _, m := range a.members {
			if v, ok := b.Get(m.Name); !ok || !Equal(m.Value, v) {
				return false
			}
		}
		return true
	default:
		switch b.(type) {
		case []Value, *Object:
			return false
		}
		return a == b
	}
}
