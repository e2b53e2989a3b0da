package warehouse

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// lineFileSize is where a file of lines becomes the older one and a new one
// begins.
const lineFileSize = 8 << 20

// lineFile is NAME.jsonl, to which lines are appended, and NAME.1.jsonl, the
// file before it. It is not synced: what a crash of the machine takes of it is
// only history. A file that cannot be written is given up.
type lineFile struct {
	name string // without .jsonl; empty: given up
	file *os.File
	size int64
}

// openLines calls take for each line there is.
func openLines(name string, take func(line []byte)) *lineFile {
	for _, path := range []string{name + ".1.jsonl", name + ".jsonl"} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		for r := bufio.NewReader(f); ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				break // what follows the last line break is a line cut short
			}
			take(line)
		}
		f.Close()
	}
	return &lineFile{name: name}
}

// append adds a line; the history is no reason for a statement to fail.
func (f *lineFile) append(value any) {
	if f == nil || f.name == "" {
		return
	}
	line, err := json.Marshal(value)
	if err != nil {
		return
	}
	if f.file != nil && f.size > lineFileSize {
		f.file.Close()
		f.file = nil
		if err := os.Rename(f.name+".jsonl", f.name+".1.jsonl"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.name = ""
			return
		}
	}
	if f.file == nil && !f.open() {
		return
	}
	n, _ := f.file.Write(append(line, '\n'))
	f.size += int64(n)
}

func (f *lineFile) open() bool {
	file, err := os.OpenFile(f.name+".jsonl", os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		f.name = ""
		return false
	}
	f.file, f.size = file, 0
	if info, err := file.Stat(); err == nil {
		f.size = info.Size()
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, f.size-1); err == nil && last[0] != '\n' {
		_, _ = file.Write([]byte{'\n'}) // a kill has cut the line short
	}
	return true
}

func (f *lineFile) close() {
	if f == nil {
		return
	}
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
	f.name = ""
}
