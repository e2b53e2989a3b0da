package project

import "encoding/json"

// FileName is the file that makes a folder a pipeline.
const FileName = "stepwell.yaml"

// File is what stepwell.yaml says. Texts marked "substituted" may contain
// ${name} references (see Variables).
type File struct {
	Name          string             `yaml:"name,required"`
	Description   string             `yaml:"description"`
	Prepare       []Command          `yaml:"prepare"`
	Services      map[string]Service `yaml:"services"` // services that are answered elsewhere
	Buckets       []Bucket           `yaml:"buckets"`
	Clusters      map[string]Cluster `yaml:"clusters"`
	Databases     []string           `yaml:"databases"` // Redshift databases created on the default cluster
	Secrets       []Secret           `yaml:"secrets"`
	Topics        []Topic            `yaml:"topics"`
	Jobs          []Job              `yaml:"jobs"`
	StateMachines []StateMachine     `yaml:"state-machines"`
	Template      *Template          `yaml:"template"`
	Start         []Start            `yaml:"start"`
	Expect        []Expectation      `yaml:"expect"`
	Show          []Show             `yaml:"show"`
	Variants      map[string]Variant `yaml:"variants"`
}

// Command is a program run in the pipeline's folder before anything is
// deployed, to make or fetch input. It is skipped where Creates exists.
type Command struct {
	Run     []string `yaml:"run,required"`
	Creates string   `yaml:"creates"`
	Python  []string `yaml:"python-packages"` // run in a Python environment that has these
}

// Service is a service that AWS answers instead of this server.
type Service struct {
	AWS AWS `yaml:"aws,required"`
}

// AWS says where a service is answered, and as whom.
type AWS struct {
	Profile  string `yaml:"profile"`  // of the AWS configuration; the default one when empty
	Region   string `yaml:"region"`   // the profile's when empty
	Endpoint string `yaml:"endpoint"` // URL; AWS's own when empty
}

// Cluster is a Redshift cluster that is elsewhere.
type Cluster struct {
	Redshift Redshift `yaml:"redshift,required"`
}

// Redshift says where a cluster is. What is left out is taken from the secret.
// Texts are substituted.
type Redshift struct {
	Host     string `yaml:"host"`
	Port     int    `yaml:"port"`
	Database string `yaml:"database"` // the cluster's first database
	User     string `yaml:"user"`
	Secret   string `yaml:"secret,required"` // name or ARN, in the shape AWS documents for Redshift
	SSL      string `yaml:"ssl"`             // verify-full when empty, require, disable
	RootCert string `yaml:"root-cert"`       // file of certificates to verify with, relative to the pipeline's folder
}

// Bucket is an S3 bucket and what is uploaded to it.
type Bucket struct {
	Name   string   `yaml:"name,required"` // with ${stack.OUTPUT}: one that the template makes
	Upload []Upload `yaml:"upload"`
}

// Upload copies a file, or a folder with all below it, to keys under To.
type Upload struct {
	From    string            `yaml:"from,required"` // relative to the pipeline's folder
	To      string            `yaml:"to"`
	Replace map[string]string `yaml:"replace"` // texts in the files, and what goes in their place; substituted
}

// Secret is a Secrets Manager secret: a text, or members kept as JSON. Substituted.
type Secret struct {
	Name   string         `yaml:"name,required"`
	Text   string         `yaml:"text"`
	Values map[string]any `yaml:"values"`
}

// Topic is an SNS topic with its subscriptions.
type Topic struct {
	Name          string         `yaml:"name,required"`
	Subscriptions []Subscription `yaml:"subscriptions"`
}

// Subscription is an SNS subscription. Endpoint is substituted.
type Subscription struct {
	Protocol string `yaml:"protocol,required"`
	Endpoint string `yaml:"endpoint,required"`
}

// Job is a Glue job.
type Job struct {
	Name           string            `yaml:"name,required"`
	Command        string            `yaml:"command"` // "pythonshell" when empty
	Script         string            `yaml:"script,required"`
	PythonVersion  string            `yaml:"python-version"` // "3.9" when empty
	Arguments      map[string]string `yaml:"arguments"`      // default arguments; substituted
	MaxRetries     int               `yaml:"max-retries"`
	TimeoutMinutes int               `yaml:"timeout-minutes"`
	MaxConcurrent  int               `yaml:"max-concurrent-runs"`
}

// StateMachine is a Step Functions state machine. The definition file is
// substituted.
type StateMachine struct {
	Name       string `yaml:"name,required"`
	Definition string `yaml:"definition,required"` // file relative to the pipeline's folder
	Type       string `yaml:"type"`                // STANDARD when empty
}

// Template is a CloudFormation template that is deployed as a stack. Its
// outputs are variables, and its state machines can be started.
type Template struct {
	File         string            `yaml:"file,required"` // relative to the pipeline's folder
	Stack        string            `yaml:"stack"`         // name; the pipeline's when empty
	Parameters   map[string]string `yaml:"parameters"`    // substituted
	Capabilities []string          `yaml:"capabilities"`
	Bucket       string            `yaml:"s3-bucket"` // for local files that the template names; "" leaves them as they are
}

// Start starts an execution.
type Start struct {
	StateMachine string         `yaml:"state-machine,required"`
	Input        map[string]any `yaml:"input"`     // substituted
	TestCase     string         `yaml:"test-case"` // of the mock file that --mock names
	Repeat       int            `yaml:"repeat"`
}

// Expectation is one thing that must hold after the executions ended: exactly
// one of its kinds is given.
type Expectation struct {
	Execution    string        `yaml:"execution"` // status of every execution, e.g. SUCCEEDED
	Error        string        `yaml:"error"`     // with execution: the error's name
	SQL          string        `yaml:"sql"`
	Database     string        `yaml:"database"`
	Rows         [][]*string   `yaml:"rows"` // with sql: the rows as text, nil for NULL
	Object       string        `yaml:"object"`
	Contains     string        `yaml:"contains"`
	Lines        *int          `yaml:"lines"` // with object: lines in all objects that match
	Notification *Notification `yaml:"notification"`
}

// Notification expects messages in the local outbox of e-mails.
type Notification struct {
	Topic    string `yaml:"topic,required"`
	Count    *int   `yaml:"count"` // messages of this run; 1 when absent
	Contains string `yaml:"contains"`
}

// Show is a query whose answer is printed at the end.
type Show struct {
	Title    string `yaml:"title"`
	SQL      string `yaml:"sql,required"`
	Database string `yaml:"database"`
}

// Variant replaces parts of the file when it is asked for by name.
type Variant struct {
	Description string        `yaml:"description"`
	Template    *Template     `yaml:"template"` // in place of all that the file declares, with Buckets and Databases
	Buckets     []Bucket      `yaml:"buckets"`
	Databases   []string      `yaml:"databases"`
	Start       []Start       `yaml:"start"`
	Expect      []Expectation `yaml:"expect"`
	Show        []Show        `yaml:"show"`
}

// inputJSON is the execution input as JSON text.
func (s Start) inputJSON() (string, error) {
	if s.Input == nil {
		return "{}", nil
	}
	data, err := json.Marshal(s.Input)
	return string(data), err
}
