package project

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// deploy makes what the file declares, or brings it up to date, in the order
// in which things refer to each other.
func (r *Runner) deploy(ctx context.Context) error {
	steps := []func(context.Context) error{
		r.deployBuckets, r.deployTopics, r.deploySecrets, r.deployClusters, r.deployDatabases, r.deployTemplate, r.fillBuckets,
		r.deployJobs, r.deployStateMachines,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) deployDatabases(ctx context.Context) error {
	// The default cluster's first database, where it is bound.
	first := cmp.Or(r.vars.expand(r.file.Clusters["stepwell"].Redshift.Database), "dev")
	for _, name := range r.file.Databases {
		table, err := r.SQL.Query(ctx, first, "SELECT 1 FROM pg_database WHERE datname = '"+strings.ReplaceAll(name, "'", "''")+"'")
		if err != nil {
			return fmt.Errorf("cannot look for database %s: %w", name, err)
		}
		if len(table.Rows) > 0 {
			continue
		}
		if _, err := r.SQL.Query(ctx, first, `CREATE DATABASE "`+strings.ReplaceAll(name, `"`, `""`)+`"`); err != nil {
			return fmt.Errorf("cannot create database %s: %w", name, err)
		}
	}
	return nil
}

func (r *Runner) deployBuckets(ctx context.Context) error {
	for _, b := range r.file.Buckets {
		if b.ofStack() {
			continue
		}
		if err := r.ensureBucket(ctx, b.Name); err != nil {
			return err
		}
		if err := r.fill(ctx, b.Name, b.Upload); err != nil {
			return err
		}
	}
	return nil
}

// fillBuckets uploads to the buckets that the template made.
func (r *Runner) fillBuckets(ctx context.Context) error {
	for _, b := range r.file.Buckets {
		if !b.ofStack() {
			continue
		}
		name := r.vars.expand(b.Name)
		if strings.Contains(name, "${") {
			return fmt.Errorf("cannot upload to bucket %s: the stack has no such output", b.Name)
		}
		if err := r.fill(ctx, name, b.Upload); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) ensureBucket(ctx context.Context, name string) error {
	in := &s3.CreateBucketInput{Bucket: &name}
	if r.Region != bus.DefaultRegion {
		in.CreateBucketConfiguration = &s3.CreateBucketConfiguration{LocationConstraint: new(r.Region)}
	}
	_, err := r.AWS.Invoke(ctx, "s3", "CreateBucket", in)
	if e := awserr.From(err); err != nil && (e == nil || e.Code != "BucketAlreadyOwnedByYou") {
		return fmt.Errorf("cannot create bucket %s: %w", name, err)
	}
	return nil
}

func (r *Runner) fill(ctx context.Context, bucket string, uploads []Upload) error {
	uploaded := 0
	for _, u := range uploads {
		n, err := r.upload(ctx, bucket, u)
		if err != nil {
			return err
		}
		uploaded += n
	}
	r.say("bucket", "s3://%s, %d of its objects new", bucket, uploaded)
	return nil
}

// upload copies what has changed and returns the number of objects written.
func (r *Runner) upload(ctx context.Context, bucket string, u Upload) (written int, err error) {
	root := filepath.Join(r.Dir, u.From)
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		key := path.Join(u.To, filepath.ToSlash(rel))
		if rel == "." {
			key = u.To
			if key == "" || strings.HasSuffix(key, "/") {
				key += filepath.Base(file)
			}
		}
		changed, err := r.uploadFile(ctx, bucket, key, file, u.Replace)
		if changed {
			written++
		}
		return err
	})
	if err != nil {
		return written, fmt.Errorf("cannot upload %s: %w", u.From, err)
	}
	return written, nil
}

func (r *Runner) uploadFile(ctx context.Context, bucket, key, file string, replace map[string]string) (changed bool, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	if len(replace) > 0 {
		var pairs []string
		for _, old := range slices.Sorted(maps.Keys(replace)) {
			pairs = append(pairs, old, r.vars.expand(replace[old]))
		}
		data = []byte(strings.NewReplacer(pairs...).Replace(string(data)))
	}
	return r.putObject(ctx, bucket, key, data)
}

// putObject writes an object unless it is there with the same content.
func (r *Runner) putObject(ctx context.Context, bucket, key string, data []byte) (changed bool, err error) {
	sum := md5.Sum(data)
	head, err := bus.Invoke[s3.HeadObjectOutput](ctx, r.AWS, "s3", "HeadObject", &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err == nil && head.ETag != nil && strings.Trim(*head.ETag, `"`) == hex.EncodeToString(sum[:]) {
		return false, nil
	}
	_, err = r.AWS.Invoke(ctx, "s3", "PutObject", &s3.PutObjectInput{
		Bucket: &bucket, Key: &key,
		ContentLength: new(int64(len(data))),
		Body:          io.NopCloser(bytes.NewReader(data)),
	})
	return err == nil, err
}

func (r *Runner) deployTopics(ctx context.Context) error {
	for _, t := range r.file.Topics {
		out, err := bus.Invoke[sns.CreateTopicOutput](ctx, r.AWS, "sns", "CreateTopic", &sns.CreateTopicInput{Name: new(t.Name)})
		if err != nil {
			return fmt.Errorf("cannot create topic %s: %w", t.Name, err)
		}
		r.vars["topic."+t.Name] = *out.TopicArn
		for _, s := range t.Subscriptions {
			_, err := r.AWS.Invoke(ctx, "sns", "Subscribe", &sns.SubscribeInput{
				TopicArn: out.TopicArn, Protocol: new(s.Protocol), Endpoint: new(r.vars.expand(s.Endpoint)),
			})
			if err != nil {
				return fmt.Errorf("cannot subscribe %s to topic %s: %w", s.Endpoint, t.Name, err)
			}
		}
		r.say("topic", "%s, subscriptions: %d", *out.TopicArn, len(t.Subscriptions))
	}
	return nil
}

func (r *Runner) deploySecrets(ctx context.Context) error {
	for _, s := range r.file.Secrets {
		value := r.vars.expand(s.Text)
		if s.Values != nil {
			data, err := json.Marshal(r.vars.expandAny(s.Values))
			if err != nil {
				return fmt.Errorf("cannot encode secret %s: %w", s.Name, err)
			}
			value = string(data)
		}
		_, err := r.AWS.Invoke(ctx, "secretsmanager", "CreateSecret", &secretsmanager.CreateSecretInput{Name: new(s.Name), SecretString: &value})
		if e := awserr.From(err); e != nil && e.Code == "ResourceExistsException" {
			_, err = r.AWS.Invoke(ctx, "secretsmanager", "PutSecretValue", &secretsmanager.PutSecretValueInput{SecretId: new(s.Name), SecretString: &value})
		}
		if err != nil {
			return fmt.Errorf("cannot create secret %s: %w", s.Name, err)
		}
		r.say("secret", "%s", s.Name)
	}
	return nil
}

func (r *Runner) roleARN() string {
	return "arn:aws:iam::" + r.Account + ":role/stepwell-" + r.file.Name
}

func (r *Runner) deployJobs(ctx context.Context) error {
	for _, j := range r.file.Jobs {
		create, update := r.jobInputs(j)
		_, err := r.AWS.Invoke(ctx, "glue", "CreateJob", create)
		if e := awserr.From(err); e != nil && (e.Code == "AlreadyExistsException" || e.Code == "IdempotentParameterMismatchException") {
			_, err = r.AWS.Invoke(ctx, "glue", "UpdateJob", &glue.UpdateJobInput{JobName: new(j.Name), JobUpdate: update})
		}
		if err != nil {
			return fmt.Errorf("cannot create job %s: %w", j.Name, err)
		}
		r.vars["job."+j.Name] = j.Name
		r.say("job", "%s (%s)", j.Name, *create.Command.Name)
	}
	return nil
}

func (r *Runner) jobInputs(j Job) (*glue.CreateJobInput, *glue.JobUpdate) {
	command := &glue.JobCommand{Name: new("pythonshell"), ScriptLocation: new(j.Script), PythonVersion: new("3.9")}
	if j.Command != "" {
		command.Name = new(j.Command)
	}
	if j.PythonVersion != "" {
		command.PythonVersion = new(j.PythonVersion)
	}
	arguments := map[string]string{}
	for k, v := range j.Arguments {
		arguments[k] = r.vars.expand(v)
	}
	create := &glue.CreateJobInput{
		Name: new(j.Name), Role: new(r.roleARN()), Command: command, DefaultArguments: arguments,
		MaxRetries: new(int64(j.MaxRetries)),
	}
	if j.TimeoutMinutes > 0 {
		create.Timeout = new(int64(j.TimeoutMinutes))
	}
	if j.MaxConcurrent > 0 {
		create.ExecutionProperty = &glue.ExecutionProperty{MaxConcurrentRuns: new(int64(j.MaxConcurrent))}
	}
	update := &glue.JobUpdate{
		Role: create.Role, Command: create.Command, DefaultArguments: create.DefaultArguments,
		MaxRetries: create.MaxRetries, Timeout: create.Timeout, ExecutionProperty: create.ExecutionProperty,
	}
	return create, update
}

func (r *Runner) deployStateMachines(ctx context.Context) error {
	for _, m := range r.file.StateMachines {
		text, err := os.ReadFile(filepath.Join(r.Dir, m.Definition))
		if err != nil {
			return fmt.Errorf("cannot read the definition of %s: %w", m.Name, err)
		}
		definition := r.vars.expand(string(text))
		arn := "arn:aws:states:" + r.Region + ":" + r.Account + ":stateMachine:" + m.Name
		in := &states.CreateStateMachineInput{Name: new(m.Name), Definition: &definition, RoleArn: new(r.roleARN())}
		if m.Type != "" {
			in.Type = new(m.Type)
		}
		_, err = r.AWS.Invoke(ctx, "states", "CreateStateMachine", in)
		if e := awserr.From(err); e != nil && e.Code == "StateMachineAlreadyExists" {
			_, err = r.AWS.Invoke(ctx, "states", "UpdateStateMachine", &states.UpdateStateMachineInput{
				StateMachineArn: &arn, Definition: &definition, RoleArn: in.RoleArn,
			})
		}
		if err != nil {
			return fmt.Errorf("cannot create state machine %s: %w", m.Name, err)
		}
		r.vars["state-machine."+m.Name] = arn
		r.say("machine", "%s", arn)
	}
	return nil
}

// serverVariables are the variables that the server itself determines.
func (r *Runner) serverVariables() Variables {
	return Variables{
		"account": r.Account, "region": r.Region, "endpoint": r.Endpoint,
		"redshift.host": r.RedshiftHost, "redshift.port": strconv.Itoa(r.RedshiftPort),
	}
}
