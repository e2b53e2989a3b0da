package duck

import "C"

import (
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

//export stepwellScalar
func stepwellScalar(info, input, result unsafe.Pointer) {
	runScalar(bindings.FunctionInfo{Ptr: info}, bindings.DataChunk{Ptr: input}, bindings.Vector{Ptr: result})
}
