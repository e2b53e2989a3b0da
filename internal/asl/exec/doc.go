// Package exec interprets state machines.
//
// The core is Execution: a tree of frames (the top level, the branches of
// Parallel states, the iterations of Map states) that consumes one Input at a
// time (Advance) and answers with a Step: journal bytes, the public history
// events in them, and effects (start a task, abandon a task, the end). It has
// no goroutines, no clock and no I/O: given the same inputs with their
// timestamps and the same Env it does the same.
//
// Folding the journal bytes of all steps (Restore) rebuilds the frame tree as
// it was: due times of waits, retry counters, task tokens, tasks in flight,
// Map iterations.
//
// Runner drives many executions over a Host: it commits journals before any
// effect leaves, sets timers on the clock, and resumes executions after a
// restart. Package exec knows no AWS service: the Host runs tasks.
//
// States over JSONata evaluate their {% %} expressions with asl/jsonata
// (query.go). A Trial runs one state once, as TestState does.
//
// A Distributed Map is one Map run (maprun.go in the core, maprunner.go beside
// it): the core keeps what was evaluated for it in the journal, the Runner reads
// the items (mapreader.go), begins a child execution for each item or batch
// through the MapHost, and writes their results (mapwriter.go). A Map run has no
// journal: after a restart its items are read again, and the host knows which
// children exist. When it is redriven, the host redrives the Standard children
// that did not succeed; the Express ones that did are noted at its end
// (mapend.go). Refused, as on AWS: inventories in ORC. Not implemented, and
// refused by name: LOAD_AND_FLATTEN of a single object, OutputType JSONL without a
// Resource, the members of a JSON object without an ItemSelector.
//
// Anything may import it; it imports the parts of the language, clock and diag.
package exec
