package syntax

import (
	"strings"

	"stepwell/internal/asl/value"
	"stepwell/internal/diag"
)

// Definition is a whole state machine definition.
type Definition struct {
	Text    string
	Root    *Node
	Machine *Machine
}

// Machine is a StartAt with its States: the top level, a branch of a Parallel
// state, or the processor of a Map state.
type Machine struct {
	Comment       string
	StartAt       string
	Version       string
	QueryLanguage string // "" = as around it
	Timeout       *int64 // TimeoutSeconds of the top level
	States        []*State
	Processor     *Processor // a Map's ProcessorConfig; nil = absent
	Node          *Node
	byName        map[string]*State
}

// State finds a state of this machine (not of machines within) by name; nil = none.
func (m *Machine) State(name string) *State { return m.byName[name] }

// Processor is a ProcessorConfig.
type Processor struct {
	Mode          string // INLINE, DISTRIBUTED
	ExecutionType string // STANDARD, EXPRESS
}

// State is one state: what all types have, and the Body of its type.
type State struct {
	Name          string
	NameSpan      diag.Span
	Type          string // as written
	Comment       string
	QueryLanguage string
	Node          *Node
	Body          Body // nil where Type is unknown

	Next string // "" = none
	End  bool

	InputPath      Path
	OutputPath     Path
	ResultPath     Path
	Parameters     Template
	ResultSelector Template
	Assign         Template
	Arguments      Template // JSONata
	Output         Template // JSONata
	Retry          []Retrier
	Catch          []Catcher
}

// Path is a member that holds a path, or null.
type Path struct {
	Set  bool // the member is there
	Null bool
	Text string
	Span diag.Span
}

// Template is a payload template; nil Node = absent.
type Template struct{ Node *Node }

// Set reports whether the member is there.
func (t Template) Set() bool { return t.Node != nil }

// Body is one of Pass, Task, Choice, Wait, Succeed, Fail, Parallel, Map.
type Body interface{ body() }

type (
	// Pass hands its input on, or Result.
	Pass struct{ Result *Node }
	// Task runs something outside.
	Task struct {
		Resource      string
		Timeout       *int64 // seconds
		TimeoutPath   Path
		Heartbeat     *int64
		HeartbeatPath Path
		Credentials   Template
	}
	// Choice picks the next state.
	Choice struct {
		Choices []Rule
		Default string
	}
	// Wait lets time pass: exactly one member is set.
	Wait struct {
		Seconds       *int64
		Timestamp     string
		SecondsPath   Path
		TimestampPath Path
	}
	// Succeed ends its machine.
	Succeed struct{}
	// Fail ends its machine with an error.
	Fail struct {
		Error, Cause         *string
		ErrorPath, CausePath Path
	}
	// Parallel runs branches.
	Parallel struct{ Branches []*Machine }
	// Map runs a machine for every item.
	Map struct {
		Processor          *Machine // ItemProcessor or Iterator
		Items              Template // JSONata
		ItemsPath          Path
		ItemSelector       Template
		MaxConcurrency     *int64
		MaxConcurrencyPath Path
		ToleratedCount     *int64
		ToleratedCountPath Path
		ToleratedShare     *float64
		ToleratedSharePath Path
		Label              string
		ItemReader         *Node
		ItemBatcher        *Node
		ResultWriter       *Node
	}
)

func (Pass) body()      {}
func (*Task) body()     {}
func (*Choice) body()   {}
func (*Wait) body()     {}
func (Succeed) body()   {}
func (*Fail) body()     {}
func (*Parallel) body() {}
func (*Map) body()      {}

// Distributed reports whether the Map's processor is DISTRIBUTED.
func (m *Map) Distributed() bool {
	return m.Processor != nil && m.Processor.Processor != nil && m.Processor.Processor.Mode == "DISTRIBUTED"
}

// Rule is a choice rule: a test, or And, Or, Not over rules.
type Rule struct {
	Node      *Node
	Next      string // top-level rules only
	Assign    Template
	And, Or   []Rule
	Not       *Rule
	Variable  string
	Condition *Node    // JSONata
	Output    Template // JSONata
	Operator  string   // "StringEquals", "NumericLessThanPath", ...
	Operand   value.Value
	OperandAt diag.Span
}

// Retrier is one entry of Retry.
type Retrier struct {
	Node        *Node
	ErrorEquals []string
	Interval    int64   // seconds; default 1
	MaxAttempts int64   // default 3
	BackoffRate float64 // default 2
	MaxDelay    int64   // seconds; 0 = none
	FullJitter  bool
}

// Catcher is one entry of Catch.
type Catcher struct {
	Node        *Node
	ErrorEquals []string
	Next        string
	ResultPath  Path
	Assign      Template
	Output      Template // JSONata
}

// Query cuts the {% and %} off a JSONata expression; false: text is none.
func Query(text string) (string, bool) {
	if len(text) < 4 || !strings.HasPrefix(text, "{%") || !strings.HasSuffix(text, "%}") {
		return "", false
	}
	return strings.TrimSpace(text[2 : len(text)-2]), true
}
