package forward

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Environment is what profiles are read from.
type Environment struct {
	Getenv func(string) string
	Home   string
}

// System is the environment of this process.
func System() Environment {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	return Environment{Getenv: os.Getenv, Home: home}
}

// profile is a section of the shared configuration, its settings by name.
type profile map[string]string

// profiles reads the configuration file, then the credentials file, whose
// settings come first. Files that are not there are empty.
func (e Environment) profiles() (map[string]profile, error) {
	all := map[string]profile{}
	for _, f := range []struct{ variable, path, prefix string }{
		{"AWS_CONFIG_FILE", "config", "profile "}, {"AWS_SHARED_CREDENTIALS_FILE", "credentials", ""},
	} {
		name := cmp.Or(e.Getenv(f.variable), filepath.Join(e.Home, ".aws", f.path))
		if rest, ok := strings.CutPrefix(name, "~/"); ok {
			name = filepath.Join(e.Home, rest)
		}
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the AWS configuration: %w", err)
		}
		sections(string(text), f.prefix, all)
	}
	return all, nil
}

// sections reads the sections of a file into all. Names of profiles carry the
// prefix, but for "default"; other sections (sso-session, services) are left out.
// Settings below a setting, which are indented, are left out as well.
func sections(text, prefix string, all map[string]profile) {
	var in profile
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		raw := lines.Text()
		line := strings.TrimSpace(raw)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			name = strings.Join(strings.Fields(name), " ")
			bare, ok := strings.CutPrefix(name, prefix)
			in = nil
			if ok || name == "default" {
				if bare = strings.TrimSpace(bare); all[bare] == nil {
					all[bare] = profile{}
				}
				in = all[bare]
			}
		case in != nil && raw[0] != ' ' && raw[0] != '\t':
			key, value, ok := strings.Cut(line, "=")
			if !ok {
				continue
			}
			value = strings.TrimSpace(value)
			if i := strings.Index(value, " #"); i >= 0 {
				value = strings.TrimSpace(value[:i])
			}
			in[strings.ToLower(strings.TrimSpace(key))] = value
		}
	}
}
