package cloudformation

import (
	"bytes"
	"encoding/json"
	"time"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/store"
)

var (
	stacks    = store.NewTable[stack]("cfn_stacks")       // account, region, id
	names     = store.NewTable[named]("cfn_names")        // account, region, name: of stacks that are not deleted
	templates = store.NewTable[string]("cfn_templates")   // stack id, hash
	resources = store.NewTable[record]("cfn_resources")   // stack id, logical id
	exports   = store.NewTable[export]("cfn_exports")     // account, region, name
	imports   = store.NewTable[named]("cfn_imports")      // account, region, export, stack id
	changes   = store.NewTable[changeSet]("cfn_changes")  // account, region, stack id, change set id
	callbacks = store.NewTable[callback]("cfn_callbacks") // token
	signals   = store.NewTable[signal]("cfn_signals")     // stack id, logical id, unique id
)

// events is the journal of a stack's events.
func events(stackID string) string { return "cfn:" + stackID }

// named points to a stack.
type named struct{ Name, ID string }

// stack is a stack, also one that is deleted.
type stack struct {
	Account, Region, Name, ID, ARN string
	Status, Reason                 string
	Created                        time.Time
	Updated, Deleted               *time.Time `json:",omitempty"`

	// Spec is what the stack is or shall become; Stable is what it was before the
	// operation under way, or before the last one where that failed and was not
	// rolled back. It is nil where the stack is as Spec says or was never whole.
	Spec   spec
	Stable *spec `json:",omitempty"`

	Outputs          []output `json:",omitempty"`
	RoleARN          string   `json:",omitempty"`
	TimeoutInMinutes int64    `json:",omitempty"`
	Protected        bool     `json:",omitempty"` // against DeleteStack
	Policy           string   `json:",omitempty"`
	ParentID, RootID string   `json:",omitempty"` // ARNs
	ChangeSetID      string   `json:",omitempty"` // the last one executed

	Operation operation
	// Tokens are the ClientRequestTokens of earlier operations, by token.
	Tokens map[string]string `json:",omitempty"`
}

// operation is what is or was last done to a stack.
type operation struct {
	ID                   string
	Kind                 string // create, update, delete, rollback, restore
	Token                string `json:",omitempty"` // ClientRequestToken
	Started              time.Time
	OnFailure            string   `json:",omitempty"` // ROLLBACK, DELETE or DO_NOTHING
	RetainExceptOnCreate bool     `json:",omitempty"`
	Retain               []string `json:",omitempty"` // RetainResources
	Skip                 []string `json:",omitempty"` // ResourcesToSkip
	Interrupt            string   `json:",omitempty"` // cancel, delete or timeout: what broke it off
	Force                bool     `json:",omitempty"` // FORCE_DELETE_STACK
	Parent               string   `json:",omitempty"` // the operation of the parent stack that asked for it
	Previous             *spec    `json:",omitempty"` // of a nested stack: what it was before
	Why                  string   `json:",omitempty"` // it was rolled back
}

// spec is what a stack is made from.
type spec struct {
	Template         string            // hash of the text
	Includes         map[string]string `json:",omitempty"` // hashes of what AWS::Include has read, by location
	Description      string            `json:",omitempty"`
	Given            map[string]string `json:",omitempty"` // parameters as they were given
	Values           map[string]string `json:",omitempty"` // of all parameters; those of SSM parameters as read
	Sealed           []byte            `json:",omitempty"` // Given and Values where a parameter is NoEcho
	Hidden           []string          `json:",omitempty"` // the NoEcho parameters
	Tags             map[string]string `json:",omitempty"`
	NotificationARNs []string          `json:",omitempty"`
	Capabilities     []string          `json:",omitempty"`
	Rollback         *api.RollbackConfiguration
}

type output struct {
	Key, Value, Description, Export string
}

type export struct{ Name, Value, StackID, StackARN, StackName string }

// properties are evaluated properties or attributes: numbers stay json.Number.
type properties map[string]any

func (p *properties) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*map[string]any)(p))
}

// version is a resource as it was made.
type version struct {
	Type       string
	PhysicalID string     `json:",omitempty"`
	Token      string     `json:",omitempty"`
	Properties properties `json:",omitempty"` // dynamic references unresolved
	Sealed     []byte     `json:",omitempty"` // Properties where the template has NoEcho parameters
	Attributes properties `json:",omitempty"`
	Tags       properties `json:",omitempty"` // the stack's, as they were applied
	Needs      []string   `json:",omitempty"`
	OnDelete   string     `json:",omitempty"` // DeletionPolicy
	OnReplace  string     `json:",omitempty"` // UpdateReplacePolicy
	Metadata   properties `json:",omitempty"`
}

// record is a resource of a stack.
type record struct {
	LogicalID string
	version
	Status, Reason string
	At             time.Time

	// The rest says how far the operation under way is with it.
	Operation string    `json:",omitempty"` // the last one that touched it
	Doing     string    `json:",omitempty"` // create, update or delete: begun and not ended
	Fresh     bool      `json:",omitempty"` // made since the stack was last whole
	Before    *version  `json:",omitempty"` // what it was when the stack was last whole
	Leftovers []version `json:",omitempty"` // replaced, to be deleted
	Back      bool      `json:",omitempty"` // rolled back
}

type changeSet struct {
	Account, Region, StackID, StackARN, StackName string
	ID, Name, ARN                                 string
	Description, Token                            string
	Type                                          string
	Created                                       time.Time
	Status, Reason, Execution                     string
	Spec                                          spec
	RoleARN, OnFailure                            string
	Changes                                       []api.Change
}

// callback is where a custom resource or a wait handle answers.
type callback struct {
	Token              string // secret
	Account, Region    string
	StackID, LogicalID string
	RequestID          string // of a custom resource's request; empty for a wait handle
	Endpoint           string // of the server that sent the request
	Sent, Handle       bool
	Answer             json.RawMessage `json:",omitempty"`
}

type signal struct {
	UniqueID, Status, Reason, Data string
}

func (s *stack) put(tx *store.Tx) error { return stacks.Put(tx, *s, s.Account, s.Region, s.ID) }

func (r *record) put(tx *store.Tx, stackID string) error {
	return resources.Put(tx, *r, stackID, r.LogicalID)
}

func (c *changeSet) put(tx *store.Tx) error {
	return changes.Put(tx, *c, c.Account, c.Region, c.StackID, c.ID)
}

// value is what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// optional is a pointer to s, or nil where s is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
