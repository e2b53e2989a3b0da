package redshift

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/redshift"
	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fakeWarehouse keeps the databases of each cluster.
type fakeWarehouse struct {
	mu        sync.Mutex
	databases map[string][]string
}

func (w *fakeWarehouse) CreateCluster(_ context.Context, account, region, cluster, database, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.databases[region+"/"+cluster] = []string{database}
	return nil
}

func (w *fakeWarehouse) DropCluster(_ context.Context, account, region, cluster string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.databases, region+"/"+cluster)
	return nil
}

func (w *fakeWarehouse) Databases(_ context.Context, account, region, cluster string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.databases[region+"/"+cluster], nil
}

type server struct {
	*Service
	bus       *bus.Bus
	clock     *clock.Manual
	ctx       context.Context
	warehouse *fakeWarehouse
	secret    string // of ManageMasterPassword
}

func (s *server) Invoke(_ context.Context, _, _ string, in any) (any, error) {
	s.secret = *in.(*secretsapi.CreateSecretInput).SecretString
	return &secretsapi.CreateSecretOutput{ARN: new("arn:aws:secretsmanager:us-east-1:123456789012:secret:" + *in.(*secretsapi.CreateSecretInput).Name)}, nil
}

func newServer(t *testing.T, dir string) *server {
	t.Helper()
	db, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	s := &server{clock: clock.NewManual(start), bus: bus.New(), warehouse: &fakeWarehouse{databases: map[string][]string{}}}
	engine := work.New(db, s.clock, slog.Default())
	s.Service = New(Deps{Store: db, Clock: s.clock, Bus: s, IDs: bus.RandomIDs{}, Work: engine, Log: slog.Default(),
		Host: "127.0.0.1", Port: 5439, Warehouse: s.warehouse})
	s.Register(engine)
	s.bus.Register(s.Table())
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(work.ErrStopped); db.Close() })
	s.ctx = bus.With(ctx, bus.Caller{Principal: "arn:aws:iam::123456789012:user/foo"})
	return s
}

func (s *server) run(t *testing.T, op, in string) string {
	t.Helper()
	_, o := s.bus.Lookup("redshift", op)
	input := o.NewInput()
	if input != nil {
		if err := json.Unmarshal([]byte(in), input); err != nil {
			t.Fatalf("bad test input %s: %v", in, err)
		}
	}
	out, err := s.bus.Invoke(s.ctx, "redshift", op, input)
	if err != nil {
		return err.Error()
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func (s *server) clusters(t *testing.T) string {
	t.Helper()
	var out api.DescribeClustersOutput
	if err := json.Unmarshal([]byte(s.run(t, "DescribeClusters", `{}`)), &out); err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, c := range out.Clusters {
		e := "-"
		if c.Endpoint != nil {
			e = fmt.Sprint(*c.Endpoint.Address, ":", *c.Endpoint.Port)
		}
		list = append(list, fmt.Sprintf("%s %s %s %s %s", *c.ClusterIdentifier, *c.ClusterStatus, *c.DBName, *c.MasterUsername, e))
	}
	return strings.Join(list, "; ")
}

func TestLife(t *testing.T) {
	dir := t.TempDir()
	s := newServer(t, dir)
	const standard = "stepwell available dev awsuser 127.0.0.1:5439"
	for _, c := range []struct{ op, in, want, after string }{
		{"DescribeClusters", `{"ClusterIdentifier":"nope"}`, "ClusterNotFound: Cluster nope not found.", standard},
		{"CreateCluster", `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123","DBName":"sales"}`, `"ClusterStatus":"creating"`, "etl creating sales admin -; " + standard},
		{"CreateCluster", `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123"}`, "ClusterAlreadyExists: Cluster already exists", ""},
		{"PauseCluster", `{"ClusterIdentifier":"etl"}`, "InvalidClusterState: There is an operation running on the Cluster. Please try to run it at a later time.", ""},
		{"", "", "", "etl available sales admin 127.0.0.1:5439; " + standard},
		{"PauseCluster", `{"ClusterIdentifier":"etl"}`, `"ClusterStatus":"pausing"`, ""},
		{"", "", "", "etl paused sales admin 127.0.0.1:5439; " + standard},
		{"RebootCluster", `{"ClusterIdentifier":"etl"}`, "InvalidClusterState", ""},
		{"ResumeCluster", `{"ClusterIdentifier":"etl"}`, `"ClusterStatus":"resuming"`, ""},
		{"", "", "", "etl available sales admin 127.0.0.1:5439; " + standard},
		{"ModifyCluster", `{"ClusterIdentifier":"etl","ClusterParameterGroupName":"none"}`, "ClusterParameterGroupNotFound: ParameterGroup not found: none", ""},
		{"ModifyCluster", `{"ClusterIdentifier":"etl","NewClusterIdentifier":"b"}`, "NotImplemented: not implemented: redshift:ModifyCluster with NewClusterIdentifier", ""},
		{"ModifyCluster", `{"ClusterIdentifier":"etl","NumberOfNodes":1,"ClusterType":"multi-node"}`, "InvalidParameterCombination: Number of nodes", ""},
		{"ModifyCluster", `{"ClusterIdentifier":"etl","NumberOfNodes":4}`, `"NumberOfNodes":4`, "etl resizing sales admin 127.0.0.1:5439; " + standard},
		{"", "", "", ""},
		{"ResizeCluster", `{"ClusterIdentifier":"etl","ClusterType":"single-node","NodeType":"ra3.xlplus"}`, `"NodeType":"ra3.xlplus"`, ""},
		{"", "", "", ""},
		{"ModifyClusterIamRoles", `{"ClusterIdentifier":"etl","AddIamRoles":["arn:a","arn:b"],"DefaultIamRoleArn":"arn:c"}`, "InvalidParameterValue: The IAM role arn:c is not associated with the cluster.", ""},
		{"ModifyClusterIamRoles", `{"ClusterIdentifier":"etl","AddIamRoles":["arn:a","arn:b"],"DefaultIamRoleArn":"arn:b"}`, `"DefaultIamRoleArn":"arn:b"`, ""},
		{"", "", "", ""},
		{"ModifyClusterIamRoles", `{"ClusterIdentifier":"etl","RemoveIamRoles":["arn:a"]}`, `"IamRoles":[{"IamRoleArn":"arn:b","ApplyStatus":"in-sync"}]`, ""},
		{"", "", "", ""},
		{"ModifyCluster", `{"ClusterIdentifier":"stepwell","PubliclyAccessible":true}`, `"PubliclyAccessible":true`, ""},
		{"", "", "", ""},
		{"RebootCluster", `{"ClusterIdentifier":"etl"}`, `"ClusterStatus":"rebooting"`, ""},
		{"", "", "", ""},
		{"DeleteCluster", `{"ClusterIdentifier":"etl"}`, "InvalidParameterCombination: FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified.", ""},
		{"DeleteCluster", `{"ClusterIdentifier":"etl","SkipFinalClusterSnapshot":true,"FinalClusterSnapshotIdentifier":"x"}`, "InvalidParameterCombination: FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.", ""},
		{"DeleteCluster", `{"ClusterIdentifier":"etl","FinalClusterSnapshotIdentifier":"x"}`, "NotImplemented: not implemented: redshift:DeleteCluster with a final snapshot", ""},
		{"DeleteCluster", `{"ClusterIdentifier":"etl","SkipFinalClusterSnapshot":true}`, `"ClusterStatus":"deleting"`, "etl deleting sales admin 127.0.0.1:5439; " + standard},
		{"", "", "", standard},
		{"DeleteCluster", `{"ClusterIdentifier":"stepwell","SkipFinalClusterSnapshot":true}`, `"ClusterStatus":"deleting"`, ""},
		{"", "", "", ""},
		{"DescribeClusters", `{"ClusterIdentifier":"stepwell"}`, "ClusterNotFound: Cluster stepwell not found.", ""},
	} {
		if c.op == "" {
			s.clock.Advance(transition)
		} else if got := s.run(t, c.op, c.in); !strings.Contains(got, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
		if got := s.clusters(t); c.after != "" && got != c.after {
			t.Errorf("after %s: %s\nwant %s", c.op, got, c.after)
		}
	}
	if got := s.clusters(t); got != "" {
		t.Errorf("left: %s", got)
	}
	if len(s.warehouse.databases) != 0 {
		t.Errorf("databases left: %v", s.warehouse.databases)
	}
}

func TestRestartDuringCreation(t *testing.T) {
	dir := t.TempDir()
	newServer(t, dir).run(t, "CreateCluster", `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123"}`)
	s := newServer(t, dir)
	s.clock.Advance(transition)
	if got := s.clusters(t); !strings.HasPrefix(got, "etl available") {
		t.Errorf("%s", got)
	}
}

func TestValidation(t *testing.T) {
	s := newServer(t, t.TempDir())
	for _, c := range []struct{ change, want string }{
		{`"ClusterIdentifier":"a--b"`, "InvalidParameterValue: The parameter ClusterIdentifier is not a valid identifier."},
		{`"ClusterIdentifier":"1a"`, "InvalidParameterValue: The parameter ClusterIdentifier is not a valid identifier."},
		{`"NodeType":"big"`, "InvalidParameterValue: Invalid node type: big"},
		{`"MasterUsername":"A"`, "InvalidParameterValue: The parameter MasterUsername is not a valid user name: A"},
		{`"MasterUserPassword":"Ab1"`, "is shorter than 8 characters."},
		{`"MasterUserPassword":"secret123"`, "must contain at least one upper case letter."},
		{`"MasterUserPassword":"SECRET123"`, "must contain at least one lower case letter."},
		{`"MasterUserPassword":"Secretsss"`, "must contain at least one number."},
		{`"MasterUserPassword":"Secret/12"`, "Only printable ASCII characters"},
		{`"ManageMasterPassword":true`, "InvalidParameterCombination: You can't specify MasterUserPassword when ManageMasterPassword is true."},
		{`"ClusterType":"multi-node"`, "InvalidParameterCombination: Number of nodes for cluster type multi-node must be greater than or equal to 2"},
		{`"ClusterType":"single-node","NumberOfNodes":2`, "InvalidParameterCombination: Number of nodes for cluster type single-node must be equal to 1"},
		{`"DBName":"9"`, "InvalidParameterValue: The parameter DBName is not a valid database name: 9"},
		{`"ClusterParameterGroupName":"x"`, "ClusterParameterGroupNotFound: ParameterGroup not found: x"},
		{`"ClusterSubnetGroupName":"x"`, "ClusterSubnetGroupNotFoundFault: Cluster subnet group 'x' not found."},
		{`"MultiAZ":true`, "NotImplemented: not implemented: redshift:CreateCluster with MultiAZ"},
		{`"ClusterType":"multi-node","NumberOfNodes":3`, `"NumberOfNodes":3`},
	} {
		in := `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123",` + c.change + `}`
		if got := s.run(t, "CreateCluster", in); !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.change, got, c.want)
		}
	}
	if got := s.run(t, "CreateSnapshotCopyGrant", `{}`); got != "NotImplemented: not implemented: redshift:CreateSnapshotCopyGrant" {
		t.Error(got)
	}
}

func TestAuthenticate(t *testing.T) {
	s := newServer(t, t.TempDir())
	s.run(t, "CreateCluster", `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123","DBName":"sales"}`)
	s.run(t, "CreateCluster", `{"ClusterIdentifier":"asleep","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Asleep123","DBName":"rest"}`)
	managed := s.run(t, "CreateCluster", `{"ClusterIdentifier":"own","NodeType":"ra3.large","MasterUsername":"boss","ManageMasterPassword":true}`)
	if !strings.Contains(managed, `"MasterPasswordSecretArn":"arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!own-boss"`) {
		t.Errorf("managed: %s", managed)
	}
	s.clock.Advance(transition)
	s.run(t, "PauseCluster", `{"ClusterIdentifier":"asleep"}`)
	s.clock.Advance(transition)
	var secret struct{ Password string }
	json.Unmarshal([]byte(s.secret), &secret)
	temporary := func(in string) (user, password string) {
		var out api.GetClusterCredentialsOutput
		if err := json.Unmarshal([]byte(s.run(t, "GetClusterCredentials", in)), &out); err != nil {
			t.Fatal(err)
		}
		return *out.DbUser, *out.DbPassword
	}
	alice, alicePassword := temporary(`{"ClusterIdentifier":"etl","DbUser":"alice"}`)
	bob, bobPassword := temporary(`{"ClusterIdentifier":"etl","DbUser":"bob","AutoCreate":true,"DbName":"sales","DurationSeconds":3600}`)
	var iam api.GetClusterCredentialsWithIAMOutput
	json.Unmarshal([]byte(s.run(t, "GetClusterCredentialsWithIAM", `{"ClusterIdentifier":"stepwell"}`)), &iam)
	check := func(cases []struct {
		l    Login
		want string
	}) {
		t.Helper()
		for _, c := range cases {
			g, err := s.Authenticate(s.ctx, c.l)
			got := fmt.Sprintf("%s %s %s %v", g.Cluster, g.Database, g.User, g.AutoCreate)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%+v\n got %s\nwant %s", c.l, got, c.want)
			}
		}
	}
	check([]struct {
		l    Login
		want string
	}{
		{Login{User: "awsuser", Database: "dev", Password: "anything", Loopback: true}, "stepwell dev awsuser false"},
		{Login{Loopback: true}, "stepwell dev awsuser false"},
		{Login{User: "awsuser", Database: "dev", Password: "anything"}, `ERROR: password authentication failed for user "awsuser"`},
		{Login{User: "admin", Database: "sales", Password: "Secret123"}, "etl sales admin false"},
		{Login{User: "admin", Database: "other", Password: "Secret123"}, "etl other admin false"},
		{Login{User: "admin", Database: "sales", Password: "wrong", Loopback: true}, `ERROR: password authentication failed for user "admin"`},
		{Login{User: "boss", Database: "dev", Password: secret.Password}, "own dev boss false"},
		{Login{User: "admin", Database: "rest", Password: "Asleep123"}, "ERROR: the cluster asleep is not available: it is paused"},
		{Login{User: alice, Database: "sales", Password: alicePassword}, "etl sales alice false"},
		{Login{User: "alice", Database: "sales", Password: alicePassword}, `ERROR: password authentication failed for user "alice"`},
		{Login{User: bob, Database: "sales", Password: bobPassword}, "etl sales bob true"},
		{Login{User: bob, Database: "dev", Password: bobPassword}, `ERROR: password authentication failed for user "IAMA:bob"`},
		{Login{User: *iam.DbUser, Database: "dev", Password: *iam.DbPassword}, "stepwell dev IAM:foo true"},
		{Login{User: "awsuser", Cluster: "eu-west-1/x", Loopback: true}, `ERROR: cluster "eu-west-1/x" does not exist`},
		{Login{User: "awsuser", Cluster: "999999999999/eu-west-1/stepwell", Loopback: true}, "stepwell dev awsuser false"},
		{Login{User: "admin", Cluster: "etl", Password: "Secret123"}, "etl dev admin false"},
	})
	for _, c := range []struct {
		l    Login
		want string
	}{
		{Login{Database: "sales"}, "etl"}, {Login{Database: "dev"}, "stepwell"}, {Login{Database: "none"}, "stepwell"}, {Login{User: alice}, "etl"},
	} {
		if g, err := s.ClusterFor(s.ctx, c.l); err != nil || g.Cluster != c.want {
			t.Errorf("cluster for %+v: %v %v", c.l, g, err)
		}
	}
	s.clock.Advance(900 * time.Second)
	check([]struct {
		l    Login
		want string
	}{
		{Login{User: alice, Database: "sales", Password: alicePassword}, `ERROR: password authentication failed for user "IAM:alice"`},
		{Login{User: bob, Database: "sales", Password: bobPassword}, "etl sales bob true"},
	})
	for in, want := range map[string]string{
		`{"ClusterIdentifier":"nope","DbUser":"a"}`:                     "ClusterNotFound: Cluster nope not found.",
		`{"ClusterIdentifier":"etl","DbUser":"a","DurationSeconds":60}`: "InvalidParameterValue: Invalid value 60 for DurationSeconds. Must be between 900 and 3600",
		`{"ClusterIdentifier":"etl","DbUser":"a:b"}`:                    "InvalidParameterValue: The parameter DbUser is not a valid user name: a:b",
		`{"DbUser":"a"}`: "InvalidParameterCombination: Either ClusterIdentifier or CustomDomainName must be specified.",
	} {
		if got := s.run(t, "GetClusterCredentials", in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestGroupsAndTags(t *testing.T) {
	s := newServer(t, t.TempDir())
	const arn = "arn:aws:redshift:us-east-1:123456789012:"
	for _, c := range []struct{ op, in, want string }{
		{"CreateClusterParameterGroup", `{"ParameterGroupName":"mine","ParameterGroupFamily":"redshift-2.0","Description":"d"}`, `{"ClusterParameterGroup":{"ParameterGroupName":"mine","ParameterGroupFamily":"redshift-2.0","Description":"d"}}`},
		{"CreateClusterParameterGroup", `{"ParameterGroupName":"mine","ParameterGroupFamily":"redshift-2.0","Description":"d"}`, `ClusterParameterGroupAlreadyExists: Parameter group mine already exists`},
		{"CreateClusterParameterGroup", `{"ParameterGroupName":"x","ParameterGroupFamily":"f","Description":"d"}`, `InvalidParameterValue: ParameterGroupFamily f is not a valid parameter group family`},
		{"ModifyClusterParameterGroup", `{"ParameterGroupName":"mine","Parameters":[{"ParameterName":"require_ssl","ParameterValue":"true"}]}`, `updated`},
		{"ModifyClusterParameterGroup", `{"ParameterGroupName":"mine","Parameters":[{"ParameterName":"nope","ParameterValue":"true"}]}`, `InvalidParameterValue: Could not find parameter with name: nope`},
		{"ModifyClusterParameterGroup", `{"ParameterGroupName":"default.redshift-2.0","Parameters":[]}`, `InvalidClusterParameterGroupState: Default ParameterGroup cannot be modified: default.redshift-2.0`},
		{"DescribeClusterParameters", `{"ParameterGroupName":"mine","Source":"user"}`, `{"Parameters":[{"ParameterName":"require_ssl","ParameterValue":"true","Description":"require ssl for all databaseconnections","Source":"user","DataType":"boolean","AllowedValues":"true,false","ApplyType":"static","IsModifiable":true}]}`},
		{"DescribeClusterParameterGroups", `{}`, `"ParameterGroupName":"default.redshift-2.0"`},
		{"DescribeClusterParameterGroups", `{"ParameterGroupName":"none"}`, `ClusterParameterGroupNotFound: ParameterGroup not found: none`},
		{"CreateClusterSubnetGroup", `{"ClusterSubnetGroupName":"net","Description":"d","SubnetIds":["subnet-1"]}`, `"SubnetIdentifier":"subnet-1"`},
		{"CreateCluster", `{"ClusterIdentifier":"etl","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123","ClusterParameterGroupName":"mine","ClusterSubnetGroupName":"net"}`, `"creating"`},
		{"DeleteClusterParameterGroup", `{"ParameterGroupName":"mine"}`, `InvalidClusterParameterGroupState: One or more clusters are still using this parameter group: mine`},
		{"DeleteClusterSubnetGroup", `{"ClusterSubnetGroupName":"net"}`, `InvalidClusterSubnetGroupStateFault: Cannot delete the subnet group 'net' because at least one cluster is still using it.`},
		{"CreateTags", `{"ResourceName":"` + arn + `cluster:etl","Tags":[{"Key":"env","Value":"prod"},{"Key":"team","Value":"x"}]}`, `{}`},
		{"CreateTags", `{"ResourceName":"` + arn + `cluster:nope","Tags":[{"Key":"env","Value":"prod"}]}`, `ResourceNotFoundFault: Resource not found: ` + arn + `cluster:nope`},
		{"CreateTags", `{"ResourceName":"` + arn + `subnetgroup:net","Tags":[{"Key":"env","Value":"dev"}]}`, `{}`},
		{"DescribeTags", `{"TagKeys":["env"]}`, `{"TaggedResources":[{"Tag":{"Key":"env","Value":"prod"},"ResourceName":"` + arn + `cluster:etl","ResourceType":"cluster"},{"Tag":{"Key":"env","Value":"dev"},"ResourceName":"` + arn + `subnetgroup:net","ResourceType":"subnetgroup"}]}`},
		{"DescribeTags", `{"ResourceType":"subnetgroup"}`, `"Value":"dev"`},
		{"DeleteTags", `{"ResourceName":"` + arn + `cluster:etl","TagKeys":["env"]}`, `{}`},
		{"DescribeClusters", `{"TagKeys":["env"]}`, `{"Clusters":[]}`},
		{"DescribeClusters", `{"TagKeys":["team"],"MaxRecords":20}`, `"ClusterIdentifier":"etl"`},
		{"DescribeClusters", `{"MaxRecords":5}`, `InvalidParameterValue: Invalid value 5 for MaxRecords. Must be between 20 and 100`},
		{"DescribeLoggingStatus", `{"ClusterIdentifier":"etl"}`, `{"LoggingEnabled":false}`},
	} {
		if got := s.run(t, c.op, c.in); !strings.Contains(got, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
	if got := s.run(t, "DescribeClusters", `{"ClusterIdentifier":"stepwell"}`); !regexp.MustCompile(`"ClusterNamespaceArn":"` + arn + `namespace:[0-9a-f-]{36}"`).MatchString(got) {
		t.Errorf("namespace: %s", got)
	}
}
