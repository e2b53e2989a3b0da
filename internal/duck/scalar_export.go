package duck

import "C"

import (
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

//export stepwellText
func stepwellText(info, input, result unsafe.Pointer) {
	runText(bindings.FunctionInfo{Ptr: info}, bindings.DataChunk{Ptr: input}, bindings.Vector{Ptr: result})
}

//export stepwellScalar
func stepwellScalar(info, input, result unsafe.Pointer) {
	runScalar(bindings.FunctionInfo{Ptr: info}, bindings.DataChunk{Ptr: input}, bindings.Vector{Ptr: result})
}
