package process

import (
	"os"
	"slices"
	"strings"
)

// Inherit returns the entries of the server's own environment with the given
// names, as "NAME=value"; a name that ends in "*" stands for all that begin so.
// Child processes get what is named here and never the whole.
func Inherit(names ...string) []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if slices.ContainsFunc(names, func(n string) bool {
			prefix, open := strings.CutSuffix(n, "*")
			return n == name || open && strings.HasPrefix(name, prefix)
		}) {
			kept = append(kept, entry)
		}
	}
	return kept
}
