package duck

/*
#include <stdlib.h>
#include <stdint.h>
void stepwellTableBind(void *);
void stepwellTableInit(void *);
void stepwellTableLocal(void *);
void stepwellTableFill(void *, void *);
void stepwellTableDrop(void *);
typedef void (*stepwell_one_t)(void *);
typedef void (*stepwell_two_t)(void *, void *);
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Table is a relation whose rows Go code gives.
type Table interface {
	Columns() []Column // of the kinds Varchar and BigInt
	// Threads is how many scanners may run at once, at least one.
	Threads() int
	// Scan starts a scanner. Scanners share the rows between them.
	Scan() (Scanner, error)
}

// Scanner gives a part of a table's rows. An error whose text begins with an
// SQLSTATE and a colon becomes that error of the statement.
type Scanner interface {
	// Fill adds rows until the batch is full; none at the end.
	Fill(b *Batch) error
	Close() error
}

// Batch is a chunk of rows being filled.
type Batch struct {
	columns []output
	n, size int
}

// Full says that no further row fits.
func (b *Batch) Full() bool { return b.n == b.size }

// Len is the number of finished rows.
func (b *Batch) Len() int { return b.n }

// Add finishes the row.
func (b *Batch) Add() { b.n++ }

// Null makes a value of the row NULL.
func (b *Batch) Null(column int) { b.columns[column].null(b.n) }

// BigInt sets a value of a BigInt column.
func (b *Batch) BigInt(column int, v int64) { b.columns[column].bigint(b.n, v) }

// Text sets a value of a Varchar column, which must be valid UTF-8. Short texts
// stand in DuckDB's string header and need no call into C.
func (b *Batch) Text(column int, v []byte) {
	o := &b.columns[column]
	if len(v) > inline {
		o.text(b.n, v)
		return
	}
	head := (*[16]byte)(unsafe.Add(o.data, b.n*16))
	*head = [16]byte{}
	*(*uint32)(unsafe.Pointer(head)) = uint32(len(v))
	copy(head[4:], v)
}

// RegisterTable makes name(spec VARCHAR) a table function of the instance. open
// is called when a statement that names it is bound, perhaps more than once.
func (e *Engine) RegisterTable(name string, open func(spec string) (Table, error)) error {
	c, err := e.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	f := bindings.CreateTableFunction()
	defer bindings.DestroyTableFunction(&f)
	bindings.TableFunctionSetName(f, name)
	t := bindings.CreateLogicalType(bindings.TypeVarchar)
	bindings.TableFunctionAddParameter(f, t)
	bindings.DestroyLogicalType(&t)
	bindings.TableFunctionSetExtraInfo(f, keep(open), dropHandle())
	bindings.TableFunctionSetBind(f, unsafe.Pointer(C.stepwell_one_t(C.stepwellTableBind)))
	bindings.TableFunctionSetInit(f, unsafe.Pointer(C.stepwell_one_t(C.stepwellTableInit)))
	bindings.TableFunctionSetLocalInit(f, unsafe.Pointer(C.stepwell_one_t(C.stepwellTableLocal)))
	bindings.TableFunctionSetFunction(f, unsafe.Pointer(C.stepwell_two_t(C.stepwellTableFill)))
	if bindings.RegisterTableFunction(c.conn, f) == bindings.StateError {
		return fmt.Errorf("cannot register the table function %s", name)
	}
	return nil
}

// keep gives C memory that holds a handle of a Go value.
func keep(v any) unsafe.Pointer {
	cell := C.malloc(C.size_t(unsafe.Sizeof(C.uintptr_t(0))))
	*(*C.uintptr_t)(cell) = C.uintptr_t(cgo.NewHandle(v))
	return cell
}

func kept[T any](cell unsafe.Pointer) T {
	return cgo.Handle(*(*C.uintptr_t)(cell)).Value().(T)
}

func dropHandle() unsafe.Pointer { return unsafe.Pointer(C.stepwell_one_t(C.stepwellTableDrop)) }

// drop releases what keep kept; a scanner is closed.
func drop(cell unsafe.Pointer) {
	h := cgo.Handle(*(*C.uintptr_t)(cell))
	if s, ok := h.Value().(Scanner); ok {
		_ = s.Close() // it was only read
	}
	h.Delete()
	C.free(cell)
}

// caught turns a panic into the error given to set: it must not cross into C.
func caught(set func(string)) {
	if x := recover(); x != nil {
		set(fmt.Sprintf("XX000:%v", x))
	}
}

func bindTable(info bindings.BindInfo) {
	fail := func(text string) { bindings.BindSetError(info, text) }
	defer caught(fail)
	v := bindings.BindGetParameter(info, 0)
	spec := bindings.GetVarchar(v)
	bindings.DestroyValue(&v)
	table, err := kept[func(string) (Table, error)](bindings.BindGetExtraInfo(info))(spec)
	if err != nil {
		fail(err.Error())
		return
	}
	for _, c := range table.Columns() {
		t := bindings.CreateLogicalType(logical[c.Type.Kind])
		bindings.BindAddResultColumn(info, c.Name, t)
		bindings.DestroyLogicalType(&t)
	}
	bindings.BindSetBindData(info, keep(table), dropHandle())
}

func initTable(info bindings.InitInfo) {
	table := kept[Table](bindings.InitGetBindData(info))
	bindings.InitSetMaxThreads(info, bindings.IdxT(max(table.Threads(), 1)))
}

func initScanner(info bindings.InitInfo) {
	fail := func(text string) { bindings.InitSetError(info, text) }
	defer caught(fail)
	s, err := kept[Table](bindings.InitGetBindData(info)).Scan()
	if err != nil {
		fail(err.Error())
		return
	}
	bindings.InitSetInitData(info, keep(s), dropHandle())
}

func fillTable(info bindings.FunctionInfo, chunk bindings.DataChunk) {
	fail := func(text string) { bindings.FunctionSetError(info, text) }
	defer caught(fail)
	b := &Batch{size: int(bindings.VectorSize())}
	for i := range bindings.DataChunkGetColumnCount(chunk) {
		v := bindings.DataChunkGetVector(chunk, i)
		b.columns = append(b.columns, output{vector: v, data: bindings.VectorGetData(v)})
	}
	if err := kept[Scanner](bindings.FunctionGetLocalInitData(info)).Fill(b); err != nil {
		fail(err.Error())
		return
	}
	bindings.DataChunkSetSize(chunk, bindings.IdxT(b.n))
}
