package duck

import "C"

import (
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

//export stepwellTableBind
func stepwellTableBind(info unsafe.Pointer) { bindTable(bindings.BindInfo{Ptr: info}) }

//export stepwellTableInit
func stepwellTableInit(info unsafe.Pointer) { initTable(bindings.InitInfo{Ptr: info}) }

//export stepwellTableLocal
func stepwellTableLocal(info unsafe.Pointer) { initScanner(bindings.InitInfo{Ptr: info}) }

//export stepwellTableFill
func stepwellTableFill(info, chunk unsafe.Pointer) {
	fillTable(bindings.FunctionInfo{Ptr: info}, bindings.DataChunk{Ptr: chunk})
}

//export stepwellTableDrop
func stepwellTableDrop(cell unsafe.Pointer) { drop(cell) }
