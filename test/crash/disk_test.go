package crash

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// disk is a disk whose writes of the state file can be made to fail, and that
// forgets what was not synced when a server is killed: testdata/fault.c between
// SQLite and the C library.
type disk struct {
	library, folder string
	powerCuts       bool
}

// Modes of the disk, as in fault.c.
const (
	diskWorks     byte = iota
	diskFull           // writes fail with ENOSPC
	diskShort          // writes write a half, and less and less, then fail
	diskNoSync         // every fsync fails, and what it should have written is lost
	diskSometimes      // every seventh fsync does
	warehouseFull      // writes of DuckDB's files fail with ENOSPC
)

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{library: filepath.Join(t.TempDir(), "fault.so"), folder: t.TempDir()}
	out, err := exec.Command("cc", "-O2", "-shared", "-fPIC", "-o", d.library, "testdata/fault.c", "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Skipf("no disk to break: cc: %v\n%s", err, out)
	}
	d.set(t, diskWorks)
	return d
}

func (d *disk) set(t *testing.T, mode byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.folder, "control"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{mode}, 0); err != nil {
		t.Fatal(err)
	}
}

// faults is how many faults there were.
func (d *disk) faults(t *testing.T) uint32 {
	t.Helper()
	word, err := os.ReadFile(filepath.Join(d.folder, "faults"))
	if err != nil || len(word) < 4 {
		t.Fatalf("no count of faults: %v", err)
	}
	return binary.LittleEndian.Uint32(word)
}

func (d *disk) env() []string {
	if d == nil {
		return nil
	}
	return append(os.Environ(), "LD_PRELOAD="+d.library, "STEPWELL_FAULT="+d.folder)
}

// cut turns a kill into a power cut: of the state file remains what was synced.
func (d *disk) cut(t *testing.T, data string) {
	t.Helper()
	if d == nil || !d.powerCuts {
		return
	}
	for i, name := range []string{"stepwell.db", "stepwell.db-wal"} {
		image, err := os.ReadFile(filepath.Join(d.folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(data, name), image, 0o600)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(d.folder, fmt.Sprint("dirty-", i)), nil, 0o600) // nothing is dirty
		}
		if err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(filepath.Join(data, "stepwell.db-shm")); err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestPowerCuts is TestMixed with a power cut for each kill, on a disk where
// every seventh fsync fails.
func TestPowerCuts(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	executions, kills := 300, 30
	if testing.Short() {
		executions, kills = 100, 10
	}
	f := newFleet(t)
	f.disk = newDisk(t)
	f.disk.powerCuts = true
	f.up()
	f.prepare()
	reference := f.reference()
	f.disk.set(t, diskSometimes)
	f.disturb(executions, kills, seeded(t), reference)
	f.disk.set(t, diskWorks)
	f.checkAll(executions)
	t.Logf("%d faults", f.disk.faults(t))
}

// TestFaults breaks the disk under a server with executions. It refuses what it
// cannot keep, answers what it can read, and goes on when the disk is well
// again, or after a power cut.
func TestFaults(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	for _, c := range []struct {
		name string
		mode byte
		then then
	}{
		{"full", diskFull, heals}, {"full and cut", diskFull, powerCut}, {"full and stopped", diskFull, stops},
		{"short writes", diskShort, heals}, {"short writes and cut", diskShort, powerCut},
		{"failed fsync", diskNoSync, heals}, {"failed fsync and cut", diskNoSync, powerCut}, {"failed fsync and stopped", diskNoSync, stops},
	} {
		t.Run(c.name, func(t *testing.T) { breakDisk(t, c.mode, c.then) })
	}
}

// then is what happens while the disk is broken.
type then int

const (
	heals    then = iota // it works again
	powerCut             // the server is killed, and what was not synced is gone
	stops                // the server is stopped in order
)

func breakDisk(t *testing.T, mode byte, end then) {
	const executions = 52
	f := newFleet(t)
	f.disk = newDisk(t)
	f.disk.powerCuts = end == powerCut
	f.up()
	f.prepare()
	for n := range executions {
		f.start(kinds[n%len(kinds)].name, n)
	}
	time.Sleep(time.Second) // some wait, some work, some have ended
	f.disk.set(t, mode)
	f.refuses()
	before := f.ended(executions)
	time.Sleep(2 * time.Second)
	if after := f.ended(executions); after != before {
		t.Errorf("executions have ended that cannot be kept: %s, before %s", after, before)
	}
	switch end {
	case powerCut:
		f.kill()
	case stops:
		f.interrupt()
		if mode != diskFull {
			break // such a server can start, and reads
		}
		if out, err := f.refusesToStart(); err == nil || !strings.Contains(out, "cannot open store") {
			t.Errorf("a server on a broken disk: %v, %s", err, out)
		}
	}
	f.disk.set(t, diskWorks)
	if end != heals {
		f.up()
		if after := f.ended(executions); !contains(after, before) {
			t.Errorf("after the restart have ended: %s, before %s", after, before)
		}
	}
	for n := range executions {
		f.check(&kinds[n%len(kinds)], n, nil)
	}
	t.Logf("%d faults", f.disk.faults(t))
}

// refusesToStart starts a server that cannot open its files.
func (f *fleet) refusesToStart() (string, error) {
	ctx, cancel := context.WithTimeout(f.ctx, 20*time.Second)
	defer cancel()
	c := serve(f.data, f.ports)
	c.Env = f.disk.env()
	context.AfterFunc(ctx, func() { _ = c.Process.Kill() }) // it has ended, or hangs
	out, err := c.CombinedOutput()
	return string(out), err
}

// contains reports whether a list of words has all words of another.
func contains(list, words string) bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(list) {
		all[w] = true
	}
	for _, w := range strings.Fields(words) {
		if !all[w] {
			return false
		}
	}
	return true
}

// ended lists the executions that have ended.
func (f *fleet) ended(executions int) string {
	f.t.Helper()
	var list []string
	for n := range executions {
		name := fmt.Sprintf("%s-%d", kinds[n%len(kinds)].name, n)
		d := must[states.DescribeExecutionOutput](f, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: new(executionARN(kinds[n%len(kinds)].name, name))})
		if *d.Status != "RUNNING" {
			list = append(list, name+"="+*d.Status)
		}
	}
	return strings.Join(list, " ")
}

// refuses: changes are refused with an error that every SDK tries again, the
// health page says why, reads are answered.
func (f *fleet) refuses() {
	f.t.Helper()
	role := new("arn:aws:iam::123456789012:role/crash")
	for _, c := range []struct {
		service, operation string
		in                 any
	}{
		{"states", "StartExecution", &states.StartExecutionInput{StateMachineArn: new(machineARN("wait")), Input: new(f.input("refused", 1))}},
		{"states", "CreateStateMachine", &states.CreateStateMachineInput{Name: new("refused"), RoleArn: role,
			Definition: new(`{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`)}},
		{"states", "SendTaskSuccess", &states.SendTaskSuccessInput{TaskToken: new("any"), Output: new("{}")}},
		{"states", "GetActivityTask", &states.GetActivityTaskInput{ActivityArn: new(activityARN)}},
		{"sns", "CreateTopic", &sns.CreateTopicInput{Name: new("refused")}},
		{"sns", "Publish", &sns.PublishInput{TopicArn: new(topicARN), Message: new("refused")}},
		{"glue", "CreateDatabase", &glue.CreateDatabaseInput{DatabaseInput: &glue.DatabaseInput{Name: new("refused")}}},
		{"secretsmanager", "CreateSecret", &secretsmanager.CreateSecretInput{Name: new("refused"), SecretString: new("x"), ClientRequestToken: new("01234567-89ab-cdef-0123-456789abcdef")}},
	} {
		_, err := f.aws.Invoke(f.ctx, c.service, c.operation, c.in)
		if e := awserr.From(err); e == nil || e.Code != "ServiceUnavailable" || e.HTTPStatus() != 503 || !strings.Contains(e.Message, "state cannot be kept") {
			f.t.Errorf("%s on a broken disk: %v", c.operation, err)
		}
	}
	if health := f.page("/_stepwell/health"); !strings.Contains(health, `"read-only"`) {
		f.t.Errorf("the health page says %.300s", health)
	}
	must[states.DescribeStateMachineOutput](f, "states", "DescribeStateMachine", &states.DescribeStateMachineInput{StateMachineArn: new(machineARN("wait"))})
	must[states.ListExecutionsOutput](f, "states", "ListExecutions", &states.ListExecutionsInput{StateMachineArn: new(machineARN("wait"))})
	f.history(executionARN("wait", "wait-0"))
	if rows := f.get("rows.csv"); !strings.HasPrefix(rows, "row\n") {
		f.t.Errorf("an object reads %q", rows)
	}
	out, err := bus.Invoke[states.StartSyncExecutionOutput](f.ctx, f.aws, "states", "StartSyncExecution",
		&states.StartSyncExecutionInput{StateMachineArn: new(machineARN("express")), Input: new(f.input("express", 1))})
	if err != nil || *out.Status != "SUCCEEDED" {
		f.t.Errorf("an Express execution, which needs no disk: %v", err)
	}
}
