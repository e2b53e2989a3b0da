package rsql_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/rsql/function"
)

// TestPreludeHasMacros checks that every macro the compiler calls is defined in
// duck/prelude.sql.
func TestPreludeHasMacros(t *testing.T) {
	prelude, err := os.ReadFile("../duck/prelude.sql")
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]string{}
	for _, name := range function.All() {
		if f, _ := function.Lookup(name); f.Kind == function.Macro {
			called[f.Target()] = "function " + name
		}
	}
	files, _ := filepath.Glob("lower/*.go")
	literal := regexp.MustCompile(`"(rs_[a-z_0-9]*[a-z0-9])"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			called[m[1]] = file
		}
	}
	for macro, why := range called {
		if !strings.Contains(string(prelude), "MACRO "+macro+"(") {
			t.Errorf("%s calls %s, which the prelude does not define", why, macro)
		}
	}
}
