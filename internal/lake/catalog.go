package lake

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Errors a Catalog answers with (wrapped or as they are).
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
)

// Namespace is whose catalog is meant.
type Namespace struct{ Account, Region string }

// Database is a database of the Data Catalog.
type Database struct {
	Name        string
	Description string
	Location    string // LocationUri
	Parameters  map[string]string
	Created     time.Time
}

// Column is a column as the catalog keeps it: Type is Hive's spelling
// ("bigint", "varchar(20)", "struct<a:int>").
type Column struct{ Name, Type, Comment string }

// Storage says where and how the rows of a table or a partition are kept.
type Storage struct {
	Location     string // s3://bucket/prefix/
	InputFormat  string
	OutputFormat string
	SerDe        string // SerializationLibrary
	SerDeParams  map[string]string
	Compressed   bool
}

// Table is a table of the Data Catalog.
type Table struct {
	Database      string
	Name          string
	Description   string
	Owner         string
	Type          string // EXTERNAL_TABLE, VIRTUAL_VIEW
	Columns       []Column
	PartitionKeys []Column
	Storage       Storage
	Parameters    map[string]string
	Created       time.Time
	Updated       time.Time
}

// Partition is one partition: a value per partition key, as text.
type Partition struct {
	Values     []string
	Storage    Storage // an empty SerDe means the table's own
	Parameters map[string]string
	Created    time.Time
}

// Catalog keeps databases, tables and partitions by name. Names are lower
// case. A missing parent or object gives ErrNotFound, a duplicate ErrExists.
type Catalog interface {
	Database(ctx context.Context, ns Namespace, name string) (*Database, error)
	CreateDatabase(ctx context.Context, ns Namespace, db Database) error
	DeleteDatabase(ctx context.Context, ns Namespace, name string) error
	Table(ctx context.Context, ns Namespace, database, name string) (*Table, error)
	Tables(ctx context.Context, ns Namespace, database string) ([]Table, error)
	CreateTable(ctx context.Context, ns Namespace, t Table) error
	UpdateTable(ctx context.Context, ns Namespace, t Table) error
	DeleteTable(ctx context.Context, ns Namespace, database, name string) error
	Partitions(ctx context.Context, ns Namespace, database, table string) ([]Partition, error)
	CreatePartitions(ctx context.Context, ns Namespace, database, table string, list []Partition) error
	DeletePartitions(ctx context.Context, ns Namespace, database, table string, values [][]string) error
}

// MemoryCatalog is a Catalog that lives in memory, for tests and tools.
type MemoryCatalog struct {
	mu        sync.Mutex
	databases map[Namespace]map[string]*memoryDatabase
}

type memoryDatabase struct {
	Database
	tables map[string]*memoryTable
}

type memoryTable struct {
	Table
	partitions []Partition
}

// NewMemoryCatalog returns an empty catalog.
func NewMemoryCatalog() *MemoryCatalog {
	return &MemoryCatalog{databases: map[Namespace]map[string]*memoryDatabase{}}
}

func (m *MemoryCatalog) database(ns Namespace, name string) (*memoryDatabase, error) {
	if db, ok := m.databases[ns][name]; ok {
		return db, nil
	}
	return nil, ErrNotFound
}

func (m *MemoryCatalog) table(ns Namespace, database, name string) (*memoryTable, error) {
	db, err := m.database(ns, database)
	if err != nil {
		return nil, err
	}
	if t, ok := db.tables[name]; ok {
		return t, nil
	}
	return nil, ErrNotFound
}

// Database implements Catalog.
func (m *MemoryCatalog) Database(_ context.Context, ns Namespace, name string) (*Database, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	db, err := m.database(ns, name)
	if err != nil {
		return nil, err
	}
	return new(db.Database), nil
}

// CreateDatabase implements Catalog.
func (m *MemoryCatalog) CreateDatabase(_ context.Context, ns Namespace, db Database) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.databases[ns] == nil {
		m.databases[ns] = map[string]*memoryDatabase{}
	}
	if _, ok := m.databases[ns][db.Name]; ok {
		return ErrExists
	}
	m.databases[ns][db.Name] = &memoryDatabase{db, map[string]*memoryTable{}}
	return nil
}

// DeleteDatabase implements Catalog.
func (m *MemoryCatalog) DeleteDatabase(_ context.Context, ns Namespace, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.database(ns, name); err != nil {
		return err
	}
	delete(m.databases[ns], name)
	return nil
}

// Table implements Catalog.
func (m *MemoryCatalog) Table(_ context.Context, ns Namespace, database, name string) (*Table, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(ns, database, name)
	if err != nil {
		return nil, err
	}
	return new(t.Table), nil
}

// Tables implements Catalog.
func (m *MemoryCatalog) Tables(_ context.Context, ns Namespace, database string) ([]Table, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	db, err := m.database(ns, database)
	if err != nil {
		return nil, err
	}
	var list []Table
	for _, t := range db.tables {
		list = append(list, t.Table)
	}
	return list, nil
}

// CreateTable implements Catalog.
func (m *MemoryCatalog) CreateTable(_ context.Context, ns Namespace, t Table) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	db, err := m.database(ns, t.Database)
	if err != nil {
		return err
	}
	if _, ok := db.tables[t.Name]; ok {
		return ErrExists
	}
	db.tables[t.Name] = &memoryTable{Table: t}
	return nil
}

// UpdateTable implements Catalog.
func (m *MemoryCatalog) UpdateTable(_ context.Context, ns Namespace, t Table) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.table(ns, t.Database, t.Name)
	if err != nil {
		return err
	}
	old.Table = t
	return nil
}

// DeleteTable implements Catalog.
func (m *MemoryCatalog) DeleteTable(_ context.Context, ns Namespace, database, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.table(ns, database, name); err != nil {
		return err
	}
	delete(m.databases[ns][database].tables, name)
	return nil
}

// Partitions implements Catalog.
func (m *MemoryCatalog) Partitions(_ context.Context, ns Namespace, database, table string) ([]Partition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(ns, database, table)
	if err != nil {
		return nil, err
	}
	return append([]Partition(nil), t.partitions...), nil
}

// CreatePartitions implements Catalog.
func (m *MemoryCatalog) CreatePartitions(_ context.Context, ns Namespace, database, table string, list []Partition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(ns, database, table)
	if err != nil {
		return err
	}
	for _, p := range list {
		if indexOf(t.partitions, p.Values) >= 0 {
			return ErrExists
		}
	}
	t.partitions = append(t.partitions, list...)
	return nil
}

// DeletePartitions implements Catalog.
func (m *MemoryCatalog) DeletePartitions(_ context.Context, ns Namespace, database, table string, values [][]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.table(ns, database, table)
	if err != nil {
		return err
	}
	for _, v := range values {
		i := indexOf(t.partitions, v)
		if i < 0 {
			return ErrNotFound
		}
		t.partitions = append(t.partitions[:i], t.partitions[i+1:]...)
	}
	return nil
}

func indexOf(list []Partition, values []string) int {
	for i, p := range list {
		same := len(p.Values) == len(values)
		for j := 0; same && j < len(values); j++ {
			same = p.Values[j] == values[j]
		}
		if same {
			return i
		}
	}
	return -1
}
