package duck

/*
#include <stdint.h>
void stepwellText(void *, void *, void *);
void stepwellTableDrop(void *);
typedef void (*stepwell_three_t)(void *, void *, void *);
*/
import "C"

import (
	"fmt"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// RegisterText makes name(VARCHAR...) a function of the instance that gives a
// VARCHAR: call gets the arguments of up to a few thousand rows, nil for NULL,
// and gives as many values. It is called by any thread. An error whose text
// begins with an SQLSTATE and a colon becomes that error of the statement.
func (e *Engine) RegisterText(name string, volatile bool, call func(rows [][]*string) ([]*string, error)) error {
	c, err := e.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	f := bindings.CreateScalarFunction()
	defer bindings.DestroyScalarFunction(&f)
	bindings.ScalarFunctionSetName(f, name)
	t := bindings.CreateLogicalType(bindings.TypeVarchar)
	bindings.ScalarFunctionSetVarargs(f, t)
	bindings.ScalarFunctionSetReturnType(f, t)
	bindings.DestroyLogicalType(&t)
	bindings.ScalarFunctionSetSpecialHandling(f)
	if volatile {
		bindings.ScalarFunctionSetVolatile(f)
	}
	bindings.ScalarFunctionSetExtraInfo(f, keep(call), dropHandle())
	bindings.ScalarFunctionSetFunction(f, unsafe.Pointer(C.stepwell_three_t(C.stepwellText)))
	if bindings.RegisterScalarFunction(c.conn, f) == bindings.StateError {
		return fmt.Errorf("cannot register the function %s", name)
	}
	return nil
}

// runText computes a chunk.
func runText(info bindings.FunctionInfo, chunk bindings.DataChunk, result bindings.Vector) {
	fail := func(text string) { bindings.ScalarFunctionSetError(info, text) }
	defer caught(fail)
	call := kept[func([][]*string) ([]*string, error)](bindings.ScalarFunctionGetExtraInfo(info))
	n, width := int(bindings.DataChunkGetSize(chunk)), int(bindings.DataChunkGetColumnCount(chunk))
	rows := make([][]*string, n)
	for i := range rows {
		rows[i] = make([]*string, width)
	}
	for j := range width {
		var v Vector
		v.fill(bindings.DataChunkGetVector(chunk, bindings.IdxT(j)), Type{Kind: Varchar})
		for i := range n {
			if !v.Null(i) {
				rows[i][j] = new(v.Text(i))
			}
		}
	}
	values, err := call(rows)
	if err == nil && len(values) != n {
		err = fmt.Errorf("XX000:%d values for %d rows", len(values), n)
	}
	if err != nil {
		fail(err.Error())
		return
	}
	out := &output{vector: result, data: bindings.VectorGetData(result)}
	for i, v := range values {
		if v == nil {
			out.null(i)
		} else {
			out.text(i, []byte(*v))
		}
	}
}
