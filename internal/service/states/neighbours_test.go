package states

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// neighbours stand in for the services that tasks call. They keep what they
// did, and outlive the server that called.
type neighbours struct {
	ids  bus.IDs
	slow func() time.Duration
	file *store.Store // where what they remember survives the process; nil: nowhere

	mu sync.Mutex
	memory
}

// memory is what the neighbours remember.
type memory struct {
	Effects []string           // what was really done, in order
	Runs    map[string]*jobRun // by id
	ByCall  map[string]string  // request id or client token -> id
	Objects map[string]string  // of S3, by key
	Tokens  map[string]string  // task tokens that clients hold, with what they will answer
}

type jobRun struct {
	ID, Job string
	Started time.Time
	State   string // "" until the clock has passed Ends
	Ends    time.Time
	Then    string
}

var memories = store.NewTable[memory]("memory")

func newNeighbours() *neighbours {
	return &neighbours{ids: &countingIDs{}, slow: func() time.Duration { return 0 },
		memory: memory{Runs: map[string]*jobRun{}, ByCall: map[string]string{}, Tokens: map[string]string{}, Objects: map[string]string{}}}
}

// lasting is newNeighbours with the memory of a file.
func lasting(t testing.TB, path string) *neighbours {
	n := newNeighbours()
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	n.file, n.ids = st, bus.RandomIDs{}
	if err := st.View(context.Background(), func(tx *store.Tx) error {
		m, ok, err := memories.Get(tx, "all")
		if ok {
			n.memory = m
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// save makes what the neighbours remember durable. The caller holds mu. Some
// time passes after it, so that a server can die between an effect and its answer.
func (n *neighbours) save() {
	if n.file != nil {
		if err := n.file.Update(context.Background(), func(tx *store.Tx) error { return memories.Put(tx, n.memory, "all") }); err != nil {
			panic(err)
		}
	}
	time.Sleep(n.slow())
}

func (n *neighbours) did(format string, args ...any) {
	n.Effects = append(n.Effects, fmt.Sprintf(format, args...))
}

// hold keeps a token for a client that will answer with output.
func (n *neighbours) hold(token, output string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Tokens[token] = output
	n.save()
}

func (n *neighbours) held() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.Tokens)
}

func (n *neighbours) release(token string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.Tokens, token)
	n.save()
}

// taken returns the effects so far.
func (n *neighbours) taken() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.Effects)
}

func (n *neighbours) register(b *bus.Bus, c clock.Clock) {
	b.Register(&bus.Service{Name: "glue", Model: glue.Model, Operations: []bus.Operation{
		bus.Op("StartJobRun", func(ctx context.Context, in *glue.StartJobRunInput) (*glue.StartJobRunOutput, error) {
			return n.startJobRun(ctx, c, in)
		}),
		bus.Op("GetJobRun", func(_ context.Context, in *glue.GetJobRunInput) (*glue.GetJobRunOutput, error) {
			return n.getJobRun(c, in)
		}),
		bus.Op("BatchStopJobRun", func(_ context.Context, in *glue.BatchStopJobRunInput) (*glue.BatchStopJobRunOutput, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			for _, id := range in.JobRunIds {
				n.did("glue stop %s", n.Runs[id].Job)
				n.Runs[id].State = "STOPPED"
			}
			n.save()
			return &glue.BatchStopJobRunOutput{}, nil
		}),
	}})
	b.Register(&bus.Service{Name: "sns", Model: sns.Model, Operations: []bus.Operation{
		bus.Op("Publish", func(ctx context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			if value(in.TopicArn) == "arn:aws:sns:us-east-1:123456789012:gone" {
				return nil, awserr.New(404, "NotFound", "Topic does not exist")
			}
			n.did("sns publish %s", value(in.Message))
			var m struct {
				N     int
				Token string
			}
			if json.Unmarshal([]byte(value(in.Message)), &m) == nil && m.Token != "" {
				n.Tokens[m.Token] = fmt.Sprintf(`{"answered":%d}`, m.N)
			}
			n.save()
			return &sns.PublishOutput{MessageId: new(n.ids.UUID())}, nil
		}),
	}})
	b.Register(&bus.Service{Name: "redshift-data", Model: redshiftdata.Model, Operations: []bus.Operation{
		bus.Op("ExecuteStatement", n.executeStatement),
		bus.Op("DescribeStatement", func(_ context.Context, in *redshiftdata.DescribeStatementInput) (*redshiftdata.DescribeStatementOutput, error) {
			if strings.HasPrefix(*in.Id, "00000000-0000-0000") {
				return nil, awserr.New(400, "ResourceNotFoundException", "Query does not exist.").With("ResourceId", *in.Id)
			}
			return &redshiftdata.DescribeStatementOutput{Id: in.Id, Status: new("FINISHED"), CreatedAt: new(c.Now())}, nil
		}),
	}})
	made := map[string]bool{}
	b.Register(&bus.Service{Name: "logs", Model: logs.Model, Operations: []bus.Operation{
		bus.Op("CreateLogStream", func(_ context.Context, in *logs.CreateLogStreamInput) (*logs.CreateLogStreamOutput, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			made[*in.LogGroupName+*in.LogStreamName] = true
			return &logs.CreateLogStreamOutput{}, nil
		}),
		bus.Op("PutLogEvents", func(_ context.Context, in *logs.PutLogEventsInput) (*logs.PutLogEventsOutput, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			if !made[*in.LogGroupName+*in.LogStreamName] {
				return nil, awserr.New(400, "ResourceNotFoundException", "The specified log stream does not exist.")
			}
			for _, e := range in.LogEvents {
				n.did("log %s %s", *in.LogGroupName, *e.Message)
			}
			return &logs.PutLogEventsOutput{}, nil
		}),
	}})
	b.Register(&bus.Service{Name: "s3", Model: s3.Model, Operations: []bus.Operation{
		bus.Op("GetObject", func(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			text, ok := n.Objects[*in.Key]
			if !ok {
				return nil, awserr.New(404, "NoSuchKey", "The specified key does not exist.")
			}
			return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(text))}, nil
		}),
		bus.Op("ListObjectsV2", func(_ context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			out := &s3.ListObjectsV2Output{}
			for _, key := range slices.Sorted(maps.Keys(n.Objects)) {
				if strings.HasPrefix(key, value(in.Prefix)) && key > value(in.ContinuationToken) {
					out.Contents = append(out.Contents, s3.Object{Key: &key, Size: new(int64(len(n.Objects[key]))), ETag: new("\"e\""), StorageClass: new("STANDARD"), LastModified: new(time.Unix(0, 0).UTC())})
					if len(out.Contents) == 2 {
						out.NextContinuationToken = &key
						break
					}
				}
			}
			return out, nil
		}),
		bus.Op("PutObject", func(_ context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
			text, err := io.ReadAll(in.Body)
			n.mu.Lock()
			defer n.mu.Unlock()
			n.Objects[*in.Key] = string(text)
			n.did("put %s %s %s", *in.Key, value(in.ContentType), value(in.ChecksumCRC32))
			return &s3.PutObjectOutput{ETag: new("\"e\""), Size: in.ContentLength}, err
		}),
	}})
	b.Register(&bus.Service{Name: "secretsmanager", Model: secretsmanager.Model, Operations: []bus.Operation{
		bus.Op("CreateSecret", func(_ context.Context, in *secretsmanager.CreateSecretInput) (*secretsmanager.CreateSecretOutput, error) {
			return nil, awserr.New(400, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
		}),
	}})
}

// startJobRun starts a run once for each request id, as the real one does.
// Arguments "--seconds" and "--then" say how long it takes and what it comes to.
func (n *neighbours) startJobRun(ctx context.Context, c clock.Clock, in *glue.StartJobRunInput) (*glue.StartJobRunOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if *in.JobName == "none" {
		return nil, awserr.New(400, "EntityNotFoundException", "Failed to start job run due to missing metadata")
	}
	request := bus.From(ctx).RequestID
	if id := n.ByCall[request]; id != "" {
		return &glue.StartJobRunOutput{JobRunId: &id}, nil
	}
	seconds, then := 1, "SUCCEEDED"
	fmt.Sscan(in.Arguments["--seconds"], &seconds)
	if t := in.Arguments["--then"]; t != "" {
		then = t
	}
	now := c.Now()
	r := &jobRun{ID: fmt.Sprintf("jr_%d", len(n.Runs)+1), Job: *in.JobName, Started: now,
		Ends: now.Add(time.Duration(seconds) * time.Second), Then: then}
	n.Runs[r.ID], n.ByCall[request] = r, r.ID
	n.did("glue start %s", r.Job)
	n.save()
	return &glue.StartJobRunOutput{JobRunId: &r.ID}, nil
}

func (n *neighbours) getJobRun(c clock.Clock, in *glue.GetJobRunInput) (*glue.GetJobRunOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.Runs[*in.RunId]
	if r == nil {
		return nil, awserr.New(400, "EntityNotFoundException", "Job Run cannot be found")
	}
	state := "RUNNING"
	if now := c.Now(); r.State == "" && !now.Before(r.Ends) {
		r.State = r.Then
	}
	if r.State != "" {
		state = r.State
	}
	run := &glue.JobRun{Id: &r.ID, JobName: &r.Job, JobRunState: &state, StartedOn: &r.Started, Attempt: new(int64(0))}
	if state == "FAILED" {
		run.ErrorMessage = new("ValueError: no rows")
	}
	return &glue.GetJobRunOutput{JobRun: run}, nil
}

func (n *neighbours) executeStatement(_ context.Context, in *redshiftdata.ExecuteStatementInput) (*redshiftdata.ExecuteStatementOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	token := value(in.ClientToken)
	if id := n.ByCall[token]; id != "" {
		return &redshiftdata.ExecuteStatementOutput{Id: &id}, nil
	}
	id := n.ids.UUID()
	n.ByCall[token] = id
	n.did("sql %s", value(in.Sql))
	n.save()
	return &redshiftdata.ExecuteStatementOutput{Id: &id}, nil
}
