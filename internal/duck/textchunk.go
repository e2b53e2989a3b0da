package duck

import "unsafe"

// TextChunk makes a chunk of Varchar columns out of texts that are at hand, so
// that results which do not come from DuckDB take the same way to a client.
func TextChunk(width int, rows [][]string) *Chunk {
	c := &Chunk{n: len(rows), columns: make([]Vector, width)}
	for i := range c.columns {
		c.columns[i].Type = Type{Kind: Varchar}
		c.columns[i].texts = make([]string, len(rows))
		for r, row := range rows {
			c.columns[i].texts[r] = row[i]
		}
	}
	return c
}

func borrow(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
