package duck

/*
#include <stdlib.h>
#include <stdint.h>
void stepwellScalar(void *, void *, void *);
typedef void (*stepwell_scalar_t)(void *, void *, void *);
typedef void (*stepwell_free_t)(void *);
*/
import "C"

import (
	"fmt"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// scalar is a function of SQL written in Go, for what DuckDB's own functions
// cannot say. prelude.sql wraps every one in a macro; nothing else calls them.
// It is called once per chunk, by any thread, and gives NULL where an argument
// is NULL.
type scalar struct {
	name   string
	args   []Kind
	result Kind
	// row writes the value of one row.
	row func(args []Vector, row int, out *output) error
}

// logical are the types scalars may take and give.
var logical = map[Kind]bindings.Type{
	Bool: bindings.TypeBoolean, SmallInt: bindings.TypeSmallInt, Integer: bindings.TypeInteger, BigInt: bindings.TypeBigInt,
	Float: bindings.TypeFloat, Double: bindings.TypeDouble, Varchar: bindings.TypeVarchar, Blob: bindings.TypeBlob,
	Date: bindings.TypeDate, Timestamp: bindings.TypeTimestamp, TimestampTZ: bindings.TypeTimestampTZ, Time: bindings.TypeTime, TimeTZ: bindings.TypeTimeTZ,
}

// output is the result vector of one call.
type output struct {
	vector bindings.Vector
	data   unsafe.Pointer
	mask   unsafe.Pointer
	// find is the pattern compiled for the row before, key says which.
	find finder
	key  string
}

func (o *output) null(row int) {
	if o.mask == nil {
		bindings.VectorEnsureValidityWritable(o.vector)
		o.mask = bindings.VectorGetValidity(o.vector)
	}
	*(*uint64)(unsafe.Add(o.mask, row/64*8)) &^= 1 << (row % 64)
}

func (o *output) bigint(row int, v int64) { *(*int64)(unsafe.Add(o.data, row*8)) = v }

func (o *output) integer(row int, v int32) { *(*int32)(unsafe.Add(o.data, row*4)) = v }

func (o *output) text(row int, v []byte) {
	bindings.VectorAssignStringElementLen(o.vector, bindings.IdxT(row), v)
}

// registerScalars makes the functions known to the instance: overloads of a
// name stand one after the other in the table.
func (c *Conn) registerScalars() error {
	for from := 0; from < len(scalars); {
		to := from
		set := bindings.CreateScalarFunctionSet(scalars[from].name)
		for ; to < len(scalars) && scalars[to].name == scalars[from].name; to++ {
			f := newScalar(to)
			state := bindings.AddScalarFunctionToSet(set, f)
			bindings.DestroyScalarFunction(&f)
			if state == bindings.StateError {
				bindings.DestroyScalarFunctionSet(&set)
				return fmt.Errorf("cannot overload the function %s", scalars[to].name)
			}
		}
		state := bindings.RegisterScalarFunctionSet(c.conn, set)
		bindings.DestroyScalarFunctionSet(&set)
		if state == bindings.StateError {
			return fmt.Errorf("cannot register the function %s", scalars[from].name)
		}
		from = to
	}
	return nil
}

// newScalar describes scalar i to DuckDB, which hands the number back in every call.
func newScalar(i int) bindings.ScalarFunction {
	s := scalars[i]
	f := bindings.CreateScalarFunction()
	bindings.ScalarFunctionSetName(f, s.name)
	for _, k := range s.args {
		t := bindings.CreateLogicalType(logical[k])
		bindings.ScalarFunctionAddParameter(f, t)
		bindings.DestroyLogicalType(&t)
	}
	t := bindings.CreateLogicalType(logical[s.result])
	bindings.ScalarFunctionSetReturnType(f, t)
	bindings.DestroyLogicalType(&t)
	cell := C.malloc(C.size_t(unsafe.Sizeof(C.int64_t(0))))
	*(*C.int64_t)(cell) = C.int64_t(i)
	bindings.ScalarFunctionSetExtraInfo(f, cell, unsafe.Pointer(C.stepwell_free_t(C.free)))
	bindings.ScalarFunctionSetFunction(f, unsafe.Pointer(C.stepwell_scalar_t(C.stepwellScalar)))
	return f
}

// runScalar computes a chunk. A panic must not cross into C.
func runScalar(info bindings.FunctionInfo, chunk bindings.DataChunk, result bindings.Vector) {
	defer func() {
		if x := recover(); x != nil {
			bindings.ScalarFunctionSetError(info, fmt.Sprintf("XX000:%v", x))
		}
	}()
	s := scalars[*(*C.int64_t)(bindings.ScalarFunctionGetExtraInfo(info))]
	args := make([]Vector, len(s.args))
	for i, k := range s.args {
		args[i].fill(bindings.DataChunkGetVector(chunk, bindings.IdxT(i)), Type{Kind: k})
	}
	out := &output{vector: result, data: bindings.VectorGetData(result)}
rows:
	for row := range int(bindings.DataChunkGetSize(chunk)) {
		for i := range args {
			if args[i].Null(row) {
				out.null(row)
				continue rows
			}
		}
		if err := s.row(args, row, out); err != nil {
			bindings.ScalarFunctionSetError(info, err.Error())
			return
		}
	}
}
