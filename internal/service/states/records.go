package states

import (
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/store"
)

// What the service keeps. Keys begin with account, region.
var (
	// machines: name.
	machines = store.NewTable[machine]("states_machines")
	// revisions: revision key; what a machine was when an execution started.
	revisions = store.NewTable[revision]("states_revisions")
	// versions: machine, inverted number (versionKey), so that the newest comes first.
	versions = store.NewTable[version]("states_versions")
	// aliases: machine, name.
	aliases = store.NewTable[alias]("states_aliases")
	// running and ended: machine, execution name. An execution is in one of them.
	running = store.NewTable[execution]("states_running")
	ended   = store.NewTable[execution]("states_executions")
	// byTime orders executions, the newest first: machine, inverted start time, name.
	byTime = store.NewTable[string]("states_executions_by_time")
	// mapRuns: machine, execution name, id of the Map run.
	mapRuns = store.NewTable[mapRun]("states_map_runs")
	// mapRunNames finds the execution of a Map run: machine/label, id.
	mapRunNames = store.NewTable[string]("states_map_run_names")
	// activities: name.
	activities = store.NewTable[activity]("states_activities")
)

// Statuses of a state machine.
const (
	active   = "ACTIVE"
	deleting = "DELETING"
)

// machine is a state machine; what can change with an update is its revision.
type machine struct {
	Account, Region string
	ARN             string
	Name            string
	Type            string // STANDARD or EXPRESS
	Status          string
	Created         time.Time
	Updated         time.Time
	Revision        string // key in revisions
	NextVersion     int64  // number of the next published version
	Tags            []api.Tag
	Encryption      *api.EncryptionConfiguration
}

// revision is a definition with what belongs to it. It never changes.
type revision struct {
	ID         string // as shown; empty for the one a machine was created with
	Type       string // of the machine
	Definition string
	RoleARN    string
	Logging    *api.LoggingConfiguration
	Tracing    *api.TracingConfiguration
	Created    time.Time
}

// version is a published revision.
type version struct {
	ARN         string
	Revision    string
	Description *string
	Created     time.Time
}

// alias is a name for one or two versions.
type alias struct {
	ARN         string
	Name        string
	Description *string
	Routes      []route
	Created     time.Time
	Updated     time.Time
}

// execution is a STANDARD execution.
type execution struct {
	Account, Region string
	ARN             string
	Name            string
	Machine         string // name
	MachineARN      string
	VersionARN      *string `json:",omitempty"`
	AliasARN        *string `json:",omitempty"`
	Revision        string
	RoleARN         string
	Start           time.Time
	Order           string    // inverted start time, finer than Start
	Input           string    // JSON text as given
	TraceHeader     *string   `json:",omitempty"`
	TestCase        string    `json:",omitempty"` // of the mock file
	Redrives        int64     `json:",omitempty"`
	Redriven        time.Time `json:",omitzero"`  // the last time
	MapRunARN       *string   `json:",omitempty"` // of a child execution
	Parent          string    `json:",omitempty"` // ARN of a child's parent
	Items           int64     `json:",omitempty"` // that a child processes
	RunRedrives     int64     `json:",omitempty"` // of a child's Map run, when the child was last begun
	RedriveToken    *string   `json:",omitempty"` // the client token of that

	Status string
	Stop   time.Time `json:",omitzero"`
	Output *string   `json:",omitempty"`
	Error  *string   `json:",omitempty"`
	Cause  *string   `json:",omitempty"`
	Full   bool      `json:",omitempty"` // its history has no room for a redrive
}

// mapRun is one run of a Distributed Map state.
type mapRun struct {
	Account, Region string
	ARN, ID, Label  string
	State           string // the Map state's name
	Execution       string // ARN
	ExecutionName   string
	Machine         string // name
	MachineARN      string
	Express         bool
	Started         time.Time
	Stopped         time.Time `json:",omitzero"`
	Status          string
	Control         exec.MapControl
	Items, Children exec.Counts
	LastItems, Last exec.Counts `json:",omitzero"` // of the items and children, when the Map run was last redriven
	Redrives        int64       `json:",omitempty"`
	Redriven        time.Time   `json:",omitzero"`
	Kept            []byte      `json:",omitempty"` // the engine's, for a redrive
}

func (r *mapRun) key() []string {
	return []string{r.Account, r.Region, r.Machine, r.ExecutionName, r.ID}
}

func (r *mapRun) nameKey() []string {
	return []string{r.Account, r.Region, r.Machine + "/" + r.Label, r.ID}
}

// activity is a named queue that workers poll.
type activity struct {
	ARN        string
	Name       string
	Created    time.Time
	Tags       []api.Tag
	Encryption *api.EncryptionConfiguration
}

// retention is how long AWS keeps an ended execution and holds its name.
const retention = 90 * 24 * time.Hour

func (e *execution) key() []string { return []string{e.Account, e.Region, e.Machine, e.Name} }

// stream is the name of the execution's journal.
func (e *execution) stream() string {
	return "states/" + store.Key(e.Account, e.Region, e.Machine, e.Name)
}

// timeKey is the execution's key in byTime.
func (e *execution) timeKey() []string {
	return []string{e.Account, e.Region, e.Machine, e.Order, e.Name}
}

// forget removes an ended execution.
func forget(tx *store.Tx, e *execution) error {
	if _, err := ended.Delete(tx, e.key()...); err != nil {
		return err
	}
	if _, err := byTime.Delete(tx, e.timeKey()...); err != nil {
		return err
	}
	if err := forgetMapRuns(tx, e); err != nil {
		return err
	}
	return tx.DropStream(e.stream())
}

// forgetMapRuns removes the Map runs of an execution with their children.
func forgetMapRuns(tx *store.Tx, e *execution) error {
	runs, err := mapRuns.List(tx, e.key()...)
	if err != nil {
		return err
	}
	for i := range runs {
		r := &runs[i]
		children, err := ended.List(tx, r.Account, r.Region, r.Machine+"/"+r.Label)
		if err != nil {
			return err
		}
		for j := range children {
			if value(children[j].MapRunARN) == r.ARN {
				if err := forget(tx, &children[j]); err != nil {
					return err
				}
			}
		}
		if _, err := mapRunNames.Delete(tx, r.nameKey()...); err != nil {
			return err
		}
		if _, err := mapRuns.Delete(tx, r.key()...); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds an execution, running or ended and still retained at now.
func lookup(tx *store.Tx, now time.Time, key ...string) (execution, bool, error) {
	e, ok, err := running.Get(tx, key...)
	if ok || err != nil {
		return e, ok, err
	}
	e, ok, err = ended.Get(tx, key...)
	if ok && now.Sub(e.Stop) > retention {
		return execution{}, false, nil
	}
	return e, ok, err
}
